"""Shields intakes and attempts from an outage of Redis: the schedule is rebuilt from PostgreSQL afterwards."""

import logging
from collections.abc import Callable
from typing import Final, TypeVar

from django.conf import settings
from redis.exceptions import RedisError

from routing.metrics.dispatch import SCHEDULE_FAILURES
from routing.redis.breaker import Breaker

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

BREAKER: Final = Breaker(lambda: settings.LEADSWITCH_TUNING.redis_pause_seconds)


def guarded(operation: str, call: Callable[[], Result], default: Result) -> Result:
    """Call the schedule. Returns `default` if Redis does not respond, and while the breaker is open."""
    if BREAKER.is_open:
        SCHEDULE_FAILURES.labels(operation=operation, cause="redis_paused").inc()
        return default
    try:
        return call()
    except RedisError as error:
        BREAKER.trip()
        cause = type(error).__name__
        SCHEDULE_FAILURES.labels(operation=operation, cause=cause).inc()
        logger.warning("routing.schedule_failed", extra={"operation": operation, "cause": cause})
        return default


def is_done(operation: str, call: Callable[[], object]) -> bool:
    """Call the schedule as `guarded` does. False: Redis did not respond, or was not called."""

    def succeed() -> bool:
        call()
        return True

    return guarded(operation, succeed, False)  # noqa: FBT003 - the default
