"""Removes the wake-ups of the bench's leads from Redis, because no worker reads their queue afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from django.conf import settings


@contextmanager
def forget_wakes() -> Iterator[None]:
    """Remove them at the end of the block."""
    try:
        yield
    finally:
        with redis.Redis.from_url(settings.REDIS_URL) as client:
            for key in client.scan_iter(match=f"*{settings.LEADSWITCH_REDIS_PREFIX}-bench*", count=1000):
                client.delete(key)
