"""A guard around the broker's client, kombu 5.7: a channel without a connection raises a connection error.

When Redis goes away, its transport is closed and drops the connection. The next use of the channel (to acknowledge a
task that has just ended, or to close the channel) raises AttributeError: "'NoneType' object has no attribute
'hostname'". Celery does not handle that one, and the worker ends. After a connection error the worker reconnects.
"""

from typing import Any, Final

from kombu.transport.redis import Channel, Transport
from redis.exceptions import ConnectionError as RedisConnectionError

CONNECTION_PARAMETERS: Final = vars(Channel)["_connparams"]


class GuardedChannel(Channel):
    def _connparams(self, *arguments: Any, **named: Any) -> Any:
        """Raises redis.ConnectionError if the connection is gone."""
        if self.connection is None or self.connection.client is None:
            raise RedisConnectionError("the channel's connection is closed")
        return CONNECTION_PARAMETERS(self, *arguments, **named)


def guard_channels() -> None:
    """Guard every connection that this process makes from now on."""
    Transport.Channel = GuardedChannel
