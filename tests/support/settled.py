"""Waiting for the thread that hands leads on."""

from collections.abc import Iterator
from contextlib import contextmanager

from routing.dispatch.enqueue import ENQUEUER


@contextmanager
def settled_hands() -> Iterator[None]:
    """At the end of the block everything handed on inside it has reached Redis and the broker."""
    yield
    assert ENQUEUER.flush(timeout_seconds=30)
