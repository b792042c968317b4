"""Canaries: entries like leads that the leading dispatcher sends through the same path, one for each ready queue.

    schedule -> claimed -> in flight -> published -> a worker -> PostgreSQL

A canary that returns proves every part of the path at once, including writes to Redis and PostgreSQL. A health check
does not notice a part that runs and does nothing. A lead's id is positive, a canary's negative. A canary charges no
buyer and leaves no trace.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import count
from typing import Final

from django.conf import settings
from django.db import connection

from routing.dispatch import inflight, schedule
from routing.dispatch.schedule import AT_ONCE, Dispatched, Due, Release
from routing.redis.keys import shard_of

# A canary must go through the schedule, not directly from the put to a queue.
DUE_IN: Final = timedelta(milliseconds=20)

# While the product is paused, no canary is sent and none counts as missing.
SEND: Final = """
INSERT INTO routing_canary AS canary (shard, out_since)
SELECT shard, CASE WHEN product.is_paused THEN NULL ELSE clock_timestamp() END
FROM generate_series(0, %s - 1) AS shard,
    (SELECT EXISTS (SELECT FROM routing_dispatchcontrol WHERE paused_at IS NOT NULL) AS is_paused) AS product
ON CONFLICT (shard) DO UPDATE
SET out_since = CASE WHEN excluded.out_since IS NOT NULL THEN coalesce(canary.out_since, excluded.out_since) END
RETURNING out_since IS NOT NULL
"""
COMPLETE: Final = """
UPDATE routing_canary SET back_at = clock_timestamp(), out_since = NULL WHERE shard = %s
"""
# For the slowest queue.
READ: Final = """
SELECT CASE WHEN count(back_at) = count(*) THEN extract(epoch FROM clock_timestamp() - min(back_at))::float8 END,
    extract(epoch FROM clock_timestamp() - min(out_since))::float8
FROM routing_canary WHERE shard < %s
"""


@dataclass(frozen=True, slots=True)
class CanaryState:
    """`age_seconds`: since one last returned; None: none has. `out_seconds`: how long one has been on its way;
    None: all have returned."""

    age_seconds: float | None
    out_seconds: float | None

    @property
    def is_late(self) -> bool:
        return self.out_seconds is not None and self.out_seconds > settings.LEADSWITCH_WATCH["canary_late"]


def is_canary(lead_id: int) -> bool:
    return lead_id < 0


def send() -> list[Dispatched]:
    """Put a canary for each ready queue into the schedule. It replaces one that was lost on the way.

    Returns those that are in flight already: the caller publishes them. Raises redis.RedisError.
    """
    shards = settings.LEADSWITCH_READY_SHARDS
    with connection.cursor() as cursor:
        cursor.execute(SEND, [shards])
        is_sent = cursor.fetchone()[0]
    if not is_sent:
        return []
    schedule.release([Release(_lead_of(shard), None) for shard in range(shards)])
    wait_ms = int(DUE_IN.total_seconds() * 1000)
    return schedule.put(
        [Due(_lead_of(shard), workspace_of(shard, shards), AT_ONCE, wait_ms) for shard in range(shards)]
    )


def complete_canary(lead_id: int) -> None:
    """Record that a canary reached a worker. An old message finds it gone."""
    with inflight.leased(lead_id) as lease:
        if lease is None:
            return
        lease.finish()
        with connection.cursor() as cursor:
            cursor.execute(COMPLETE, [_shard_of(lead_id)])


def read_canary() -> CanaryState:
    with connection.cursor() as cursor:
        cursor.execute(READ, [settings.LEADSWITCH_READY_SHARDS])
        return CanaryState(*cursor.fetchone())


@cache
def workspace_of(shard: int, shards: int) -> int:
    """An id that no workspace has and that maps to this queue."""
    return next(-number for number in count(1) if shard_of(-number, shards=shards) == shard)


def _lead_of(shard: int) -> int:
    return -1 - shard


def _shard_of(lead_id: int) -> int:
    return -1 - lead_id
