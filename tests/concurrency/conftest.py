"""Separate servers, for tests that stop them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from leadswitch.embedded import redis as embedded_redis
from leadswitch.embedded.paths import ServicePaths, make_directories


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[ServicePaths]:
    """A Redis that the test may stop, separate from the one that all tests share."""
    paths = ServicePaths.of(tmp_path)
    make_directories(paths)
    embedded_redis.start(paths)
    yield paths
    embedded_redis.stop(paths)
