"""The current state: leads that wait, stale locks, workers. Each count is bounded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from leadswitch.levels.health_page.rollup_reads import WorkspaceCount
from leadswitch.levels.rows import fetch_rows
from routing.dispatch.control import Control, read_control
from routing.dispatch.redis_state import ask_redis
from routing.leads import undecided
from routing.leads.decision_metrics import DEADLINE, PROMPT
from routing.leads.due_retries import IS_DUE_RETRY
from routing.leads.stale_claims import count_stale
from routing.leads.undecided import OldestDue, find_oldest_due

MAX_COUNTED: Final = 5_000

RETRIES: Final = f"""
SELECT workspace_id, name, count(*) AS number FROM (
    SELECT l.workspace_id, w.name FROM routing_lead l JOIN routing_workspace w ON w.id = l.workspace_id
    WHERE {IS_DUE_RETRY} AND (%(ids)s::bigint[] IS NULL OR l.workspace_id = ANY(%(ids)s))
    ORDER BY l.next_attempt_at, l.id LIMIT %(most)s
) due
GROUP BY 1, 2 ORDER BY number DESC, name
"""  # noqa: S608 - only constants are put in


@dataclass(frozen=True, slots=True)
class Count:
    """`is_least`: counted up to a limit, so there may be more."""

    number: int
    is_least: bool = False

    @property
    def display(self) -> str:
        return f"{self.number:,}{'+' if self.is_least else ''}"


@dataclass(frozen=True, slots=True)
class WaitingLeads:
    """What objectives count. `undecided_slow`, `undecided_late`: leads that have been due for longer than their limits.

    `retries`: with the most first.
    """

    undecided_slow: Count
    undecided_late: Count
    retries: Sequence[WorkspaceCount]
    due_retries: Count


@dataclass(frozen=True, slots=True)
class CurrentState:
    """`oldest` None: no lead is due. `workers` None: Redis does not respond."""

    control: Control
    waiting: WaitingLeads
    oldest: OldestDue | None
    stale_locks: Count
    workers: int | None


def read_current_state(ids: Sequence[int] | None, *, most: int = MAX_COUNTED) -> CurrentState:
    """`ids`: the workspaces to count in; None: all. `most`: where a count of retries or of stale locks stops."""
    control = read_control()
    redis, _ = ask_redis((), control=control, is_whole=False)
    return CurrentState(
        control=control,
        waiting=read_waiting_leads(ids, most=most),
        oldest=find_oldest_due(ids),
        stale_locks=_limit(count_stale(ids, most=most), most),
        workers=None if redis is None else redis.workers_alive,
    )


def read_waiting_leads(ids: Sequence[int] | None, *, most: int = MAX_COUNTED) -> WaitingLeads:
    """Three statements. `most`: where the count of retries stops."""
    retries = _read_retries(ids, most=most)
    return WaitingLeads(
        undecided_slow=_count_undecided(ids, PROMPT),
        undecided_late=_count_undecided(ids, DEADLINE),
        retries=retries,
        due_retries=_limit(sum(each.count for each in retries), most),
    )


def _limit(number: int, most: int) -> Count:
    return Count(number, is_least=number >= most)


def _count_undecided(ids: Sequence[int] | None, over: timedelta) -> Count:
    most = undecided.MAX_UNDECIDED
    return _limit(undecided.count_undecided(ids, over=over, most=most), most)


def _read_retries(ids: Sequence[int] | None, *, most: int) -> Sequence[WorkspaceCount]:
    rows = fetch_rows(RETRIES, {"ids": _list(ids), "most": most})
    return [WorkspaceCount(*row) for row in rows]


def _list(ids: Sequence[int] | None) -> list[int] | None:
    return None if ids is None else list(ids)
