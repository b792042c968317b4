"""Whether every overdue lead will start by itself, according to the tables and Redis' own keys.

A lead has a way back while it is in the schedule for a time that its spread explains, or in flight under a lease that
ends soon or that its reconciler is about to find.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import connection

from routing.redis.keys import inflight_key, schedule_of
from tests.chaos.bounds import longest_way_back
from tests.chaos.periods import Periods

if TYPE_CHECKING:
    import redis

# Leads this new may still be with a sender or a worker.
OVERDUE: Final = """
SELECT l.id, l.workspace_id FROM routing_lead l JOIN routing_workspace w ON w.id = l.workspace_id
WHERE l.status = 'pending' AND l.paused_at IS NULL AND w.paused_at IS NULL
    AND l.next_attempt_at < clock_timestamp() - make_interval(secs => %s)
ORDER BY l.next_attempt_at
"""


@dataclass(frozen=True, slots=True)
class Overdue:
    lead_id: int
    workspace_id: int


def read_overdue(*, seconds: float = 1.0) -> list[Overdue]:
    """Leads that have been overdue for at least `seconds`."""
    with connection.cursor() as cursor:
        cursor.execute(OVERDUE, [seconds])
        return [Overdue(*row) for row in cursor.fetchall()]


def find_stranded(client: "redis.Redis[str]", leads: Sequence[Overdue], *, periods: Periods) -> list[str]:
    """Return the leads that no process will start, each with the reason. Raises redis.RedisError."""
    seconds, micros = client.time()
    now = seconds + micros / 1e6
    pipeline = client.pipeline(transaction=False)
    for lead in leads:
        pipeline.zscore(schedule_of(lead.workspace_id), str(lead.lead_id))
        pipeline.zscore(inflight_key(), str(lead.lead_id))
    scores = [None if score is None else score / 1000 - now for score in pipeline.execute()]
    stranded = []
    for lead, due, lease in zip(leads, scores[::2], scores[1::2], strict=True):
        wrong = why_stranded(periods, due_in=due, lease_ends_in=lease)
        if wrong:
            stranded.append(f"lead {lead.lead_id} is {wrong}")
    return stranded


def why_stranded(periods: Periods, *, due_in: float | None, lease_ends_in: float | None) -> str:
    """Seconds from now. None if it is not there."""
    if lease_ends_in is not None:
        if lease_ends_in > periods.lease_seconds + 1:
            return "in flight without an end"
        if lease_ends_in < -longest_way_back(periods):
            return "in flight after its lease, and no process checks it"
        return ""
    if due_in is None:
        return "neither in the schedule nor in flight"
    return (
        "in the schedule, much too late" if due_in > settings.LEADSWITCH_TUNING.longest_spread_seconds else ""
    )
