"""Waiting for the enqueuer's background thread."""

from collections.abc import Iterator
from contextlib import contextmanager

from routing.dispatch.enqueue import ENQUEUER


@contextmanager
def flushed_enqueuer() -> Iterator[None]:
    """At the end of the block, every lead enqueued inside it is in Redis and the broker."""
    yield
    assert ENQUEUER.flush(timeout_seconds=30)
