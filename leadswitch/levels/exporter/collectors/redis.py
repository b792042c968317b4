"""The schedule, the ready queues and the memory of Redis."""

from typing import Any, Final

from leadswitch.levels.exporter.series import CollectorRow, Series, Values
from routing.dispatch.schedule import TIMEOUT_SECONDS
from routing.dispatch.sizes import Sizes, read_sizes
from routing.redis.client import get_client

UP: Final = Series("leadswitch_redis_up", "1 if Redis responded to the last pass of the collector redis.")
SCHEDULE: Final = Series(
    "leadswitch_redis_schedule_leads", "Leads that wait in the schedule for their time, by shard.", "shard"
)
OVERDUE: Final = Series(
    "leadswitch_redis_schedule_overdue_leads", "Leads in the schedule that are due, by shard.", "shard"
)
READY: Final = Series(
    "leadswitch_redis_ready_leads", "Leads in a ready queue that no worker has started, by shard.", "shard"
)
INFLIGHT: Final = Series("leadswitch_redis_inflight_leads", "Leads in flight: queued, started.", "state")
MEMORY: Final = Series("leadswitch_redis_memory_bytes", "Memory that Redis uses for its data.")
MEMORY_LIMIT: Final = Series("leadswitch_redis_memory_limit_bytes", "maxmemory of Redis; 0: it has no limit.")


def read() -> Values:
    """Raises redis.RedisError."""
    sizes = read_sizes()
    memory: dict[str, Any] = get_client(TIMEOUT_SECONDS).info("memory")
    return {
        SCHEDULE: {str(number): each.waiting for number, each in enumerate(sizes.shards)},
        OVERDUE: {str(number): each.overdue for number, each in enumerate(sizes.shards)},
        READY: {str(number): each.ready for number, each in enumerate(sizes.shards)},
        INFLIGHT: _count_inflight(sizes),
        MEMORY: memory["used_memory"],
        MEMORY_LIMIT: memory["maxmemory"],
    }


def _count_inflight(sizes: Sizes) -> dict[str, float]:
    return {"queued": sizes.ready, "started": max(0, sizes.inflight - sizes.ready)}


REDIS: Final = CollectorRow(
    "redis", (SCHEDULE, OVERDUE, READY, INFLIGHT, MEMORY, MEMORY_LIMIT), read, answers=UP
)
