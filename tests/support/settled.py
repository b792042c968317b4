"""Waiting for the thread that hands leads on."""

from collections.abc import Iterator
from contextlib import contextmanager

from routing.dispatch.enqueue import HANDS


@contextmanager
def settled_hands() -> Iterator[None]:
    """At the end of the block everything handed on inside it has reached Redis and the broker."""
    yield
    assert HANDS.flush(timeout_seconds=30)
