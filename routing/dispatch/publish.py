"""Publishes to the broker, by task name. A lost message does no harm: PostgreSQL records which leads are due.

Publishing to a broker that is down takes up to three seconds. So after a failure, nothing is published for a
while (LEADSWITCH_BROKER_PAUSE_MS).
"""

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any, Final

from celery import current_app
from django.conf import settings
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from routing.dispatch.schedule import Dispatched
from routing.metrics.dispatch import WAKES_LOST, WAKES_SENT
from routing.redis.breaker import Breaker
from routing.redis.keys import ready_queue

logger = logging.getLogger(__name__)

PROCESS_LEADS: Final = "distribution.process_leads"
# A worker runs the leads of a message one after the other. So the leads of a shard go in several messages. No
# settings: LEADSWITCH_DISPATCHER_TICK_MS decides how many leads go out together.
MESSAGES_PER_SHARD: Final = 4
LEADS_PER_MESSAGE: Final = 50

BREAKER: Final = Breaker(lambda: settings.LEADSWITCH_TUNING.broker_pause_seconds)


def send_wake(task: str, **options: Any) -> bool:
    """Publish one wake-up now. Returns False when it could not be sent; never raises for a broker's failure."""
    if not settings.LEADSWITCH_WAKE_ENABLED:
        return False
    is_sent = _send(task, **options)
    if is_sent:
        WAKES_SENT.inc()
    return is_sent


def publish_ready(dispatched: Sequence[Dispatched]) -> list[Dispatched]:
    """Publish leads in flight to the ready queues of their shards. Returns those that could not be sent."""
    failed: list[Dispatched] = []
    for shard, leads in _by_shard(dispatched).items():
        for part in _in_messages(leads):
            lead_ids = [lead.lead_id for lead in part]
            options = {"args": [lead_ids], "kwargs": {"is_leased": True}, "queue": ready_queue(shard)}
            if failed or not _send(PROCESS_LEADS, **options):
                failed += part
    return failed


def _send(task: str, **options: Any) -> bool:
    if BREAKER.is_open:
        WAKES_LOST.labels(cause="broker_paused").inc()
        return False
    try:
        current_app.send_task(task, **options)
    except (KombuError, RedisError, OSError) as error:
        BREAKER.trip()
        cause = type(error).__name__
        WAKES_LOST.labels(cause=cause).inc()
        logger.warning("routing.wake_lost", extra={"task": task, "cause": cause})
        return False
    return True


def _by_shard(dispatched: Sequence[Dispatched]) -> dict[int, list[Dispatched]]:
    shards: dict[int, list[Dispatched]] = defaultdict(list)
    for lead in dispatched:
        shards[lead.shard].append(lead)
    return shards


def _in_messages(leads: Sequence[Dispatched]) -> Iterator[Sequence[Dispatched]]:
    size = min(LEADS_PER_MESSAGE, ceil(len(leads) / MESSAGES_PER_SHARD))
    return (leads[at : at + size] for at in range(0, len(leads), size))
