"""A separate Redis, which the product uses during the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator["redis.Redis[str]"]:
    from tests.support.own_redis import (
        using_own_redis,
    )  # loads tables, and this file is loaded before the apps are

    with (
        using_own_redis(tmp_path),
        redis.Redis.from_url(settings.REDIS_URL, decode_responses=True) as client,
    ):
        yield client
