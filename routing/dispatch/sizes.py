"""The sizes of the schedule in Redis: waiting, overdue and ready leads by shard. Raises redis.RedisError."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from routing.dispatch.schedule import run_script

# ARGV: shards. Returns ms by which the most overdue lead is late, in flight, then by shard: waiting, overdue, ready,
# stale (its lease ended while it waited in the queue, which is not empty), 1 if a worker consumes the queue.
# Canaries, whose ids are negative, are left out.
SIZES: Final = """
local shards, waiting, overdue, oldest = tonumber(ARGV[1]), {}, {}, now
for _, workspace in ipairs(redis.call('ZRANGE', SCHEDULE, 0, -1)) do
    if tonumber(workspace) > 0 then
        local shard = shard_for(workspace, shards)
        waiting[shard] = (waiting[shard] or 0) + redis.call('ZCARD', leads_of(workspace))
        overdue[shard] = (overdue[shard] or 0) + redis.call('ZCOUNT', leads_of(workspace), '-inf', now)
        oldest = math.min(oldest, tonumber(redis.call('ZSCORE', SCHEDULE, workspace)))
    end
end
local inflight, canaries = redis.call('ZCARD', INFLIGHT), {}
for shard = 0, shards - 1 do
    if redis.call('ZSCORE', INFLIGHT, -1 - shard) then inflight = inflight - 1 end
    canaries[shard] = 0
    for canary = -1, -shards, -1 do
        local lease = redis.call('ZSCORE', ready_of(shard), canary)
        if lease and tonumber(lease) > now then canaries[shard] = canaries[shard] + 1 end
    end
end
local sizes = {now - oldest, inflight}
for shard = 0, shards - 1 do
    sizes[#sizes + 1] = waiting[shard] or 0
    sizes[#sizes + 1] = overdue[shard] or 0
    sizes[#sizes + 1] = redis.call('ZCOUNT', ready_of(shard), '(' .. now, '+inf') - canaries[shard]
    sizes[#sizes + 1] = messages_of(shard) > 0 and redis.call('ZCOUNT', ready_of(shard), '-inf', now) or 0
    sizes[#sizes + 1] = is_consumed(shard, shards) and 1 or 0
end
return sizes
"""


@dataclass(frozen=True, slots=True)
class ShardSize:
    """`stale`: leads whose lease ended while they waited in the ready queue. `is_consumed`: a worker consumes it."""

    waiting: int
    overdue: int
    ready: int
    stale: int
    is_consumed: bool


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of the schedule. `inflight` includes the ready leads."""

    shards: Sequence[ShardSize]
    inflight: int
    overdue_seconds: float

    @property
    def waiting(self) -> int:
        return sum(shard.waiting for shard in self.shards)

    @property
    def overdue(self) -> int:
        return sum(shard.overdue for shard in self.shards)

    @property
    def ready(self) -> int:
        return sum(shard.ready for shard in self.shards)

    @property
    def stale(self) -> int:
        return sum(shard.stale for shard in self.shards)

    @property
    def unconsumed(self) -> list[int]:
        """The shards whose ready queues no worker consumes."""
        return [number for number, shard in enumerate(self.shards) if not shard.is_consumed]


def read_sizes() -> Sizes:
    late_ms, inflight, *numbers = run_script(SIZES, [settings.LEADSWITCH_READY_SHARDS])
    rows = zip(*(numbers[at::5] for at in range(5)), strict=True)
    shards = [
        ShardSize(waiting, overdue, ready, stale, bool(is_consumed))
        for waiting, overdue, ready, stale, is_consumed in rows
    ]
    return Sizes(shards=shards, inflight=inflight, overdue_seconds=late_ms / 1000)
