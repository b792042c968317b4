"""What tests of the schedule read from Redis and put into it."""

from typing import TYPE_CHECKING

from routing.dispatch import schedule
from routing.redis import keys
from tests.support.times import due, ids

if TYPE_CHECKING:
    import redis


def inflight(client: "redis.Redis[str]") -> set[int]:
    return {int(member) for member in client.zrange(keys.inflight_key(), 0, -1)}


def waiting(client: "redis.Redis[str]", workspace_id: int = 1) -> dict[int, int]:
    members = client.zrange(keys.schedule_of(workspace_id), 0, -1, withscores=True)
    return {int(member): int(score) for member, score in members}


def hold_started(lead_id: int) -> int:
    """A lead that a worker has started. Returns when its lease ends."""
    assert ids(schedule.put([due(lead_id)])) == [lead_id]
    [deadline_ms] = schedule.start([lead_id])
    assert deadline_ms is not None
    return deadline_ms


def fill_behind_a_pause(client: "redis.Redis[str]", leads: list[schedule.Due]) -> None:
    """Put leads into the index that would otherwise go straight into flight."""
    client.set(keys.paused_key(), 1)
    assert schedule.put(leads) == []
    client.delete(keys.paused_key())
