"""The guard of the broker's channels: the library's behavior with it and without it."""

from collections.abc import Iterator
from typing import Any

import pytest
from celery import current_app
from kombu.transport.redis import Channel

from leadswitch.broker import GuardedChannel


@pytest.fixture
def orphan() -> Iterator[tuple[Any, Any]]:
    """A connection, and a channel that outlived its transport, as in a worker that just lost Redis."""
    with current_app.connection_for_write() as connection:
        channel = connection.channel()
        connection.collect()
        yield connection, channel


def test_channel_without_a_connection_is_a_connection_error(orphan: tuple[Any, Any]) -> None:
    connection, channel = orphan
    assert isinstance(channel, GuardedChannel)
    with pytest.raises(connection.connection_errors, match="connection is closed"):
        channel._connparams()


def test_control_library_raises_an_unexpected_error(orphan: tuple[Any, Any]) -> None:
    """When this fails, the library handles the case and the guard can be removed."""
    connection, channel = orphan
    with pytest.raises(AttributeError) as failed:
        vars(Channel)["_connparams"](channel)
    assert not isinstance(failed.value, connection.connection_errors)
