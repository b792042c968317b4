"""A guard around the broker's client, kombu 5.7: a channel that has lost its connection says so in its own words.

While a Redis goes away, its transport is closed and lets go of the connection; whatever then asks the channel for a
client (an acknowledgement of a task that has just ended, the close of the channel itself) meets an AttributeError,
"'NoneType' object has no attribute 'hostname'". Nobody expects that one: the worker ends. As a connection error it is
one of those after which the worker connects again.
"""

from typing import Any, Final

from kombu.transport.redis import Channel, Transport
from redis.exceptions import ConnectionError as RedisConnectionError

CONNECTION_PARAMETERS: Final = vars(Channel)["_connparams"]


class GuardedChannel(Channel):
    def _connparams(self, *arguments: Any, **named: Any) -> Any:
        """Raises redis.ConnectionError where the connection is gone."""
        if self.connection is None or self.connection.client is None:
            raise RedisConnectionError("the channel's connection is closed")
        return CONNECTION_PARAMETERS(self, *arguments, **named)


def guard_channels() -> None:
    """For every connection of this process that is made from now on."""
    Transport.Channel = GuardedChannel
