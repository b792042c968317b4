"""What is so right now: leads that wait, stale locks, workers. Each count is bounded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from leadswitch.levels.health_page.rollup_reads import WorkspaceCount
from leadswitch.levels.objectives import AVAILABILITY_DEADLINE_SECONDS, LATENCY_LIMIT_SECONDS
from leadswitch.levels.rows import fetch_row, fetch_rows
from routing.dispatch.control import Control, read_control
from routing.dispatch.redis_state import ask_redis
from routing.locks.attempts import RESUMED_AT

MOST_COUNTED: Final = 5_000
MOST_OF_A_WORKSPACE: Final = 1_000

# Leads of paused workspaces wait for a person, and a pause that ended is no delay (decisions/0062). The index gives
# each workspace its earliest leads.
UNDECIDED: Final = f"""
SELECT COALESCE(sum(b.slow), 0)::bigint, COALESCE(sum(b.late), 0)::bigint,
    extract(epoch FROM statement_timestamp() - min(b.first))::float8
FROM routing_workspace w CROSS JOIN LATERAL (
    SELECT min(at) AS first,
        count(*) FILTER (WHERE at < statement_timestamp() - make_interval(secs => %(slow)s)) AS slow,
        count(*) FILTER (WHERE at < statement_timestamp() - make_interval(secs => %(late)s)) AS late
    FROM (
        SELECT GREATEST(l.next_attempt_at, {RESUMED_AT}) AS at FROM routing_lead l
        WHERE l.workspace_id = w.id AND l.status = 'pending' AND l.paused_at IS NULL
            AND l.next_attempt_at <= statement_timestamp()
        ORDER BY l.next_attempt_at, l.id LIMIT %(most)s
    ) due
) b
WHERE w.paused_at IS NULL AND (%(ids)s::bigint[] IS NULL OR w.id = ANY(%(ids)s))
"""  # noqa: S608 - only a constant is put in
RETRIES: Final = """
SELECT r.workspace_id, w.name, count(*) AS number FROM (
    SELECT l.workspace_id FROM routing_lead l
    WHERE l.status = 'pending' AND l.attempts > 0 AND l.next_attempt_at <= statement_timestamp()
        AND (%(ids)s::bigint[] IS NULL OR l.workspace_id = ANY(%(ids)s))
    ORDER BY l.next_attempt_at, l.id LIMIT %(most)s
) r JOIN routing_workspace w ON w.id = r.workspace_id
GROUP BY 1, 2 ORDER BY number DESC, w.name
"""
STALE: Final = """
SELECT count(*) FROM (
    SELECT FROM routing_lead
    WHERE status = 'calling' AND locked_at < statement_timestamp() - make_interval(secs => %(age)s)
        AND (%(ids)s::bigint[] IS NULL OR workspace_id = ANY(%(ids)s))
    LIMIT %(most)s
) stale
"""


@dataclass(frozen=True, slots=True)
class Live:
    """`undecided_slow`, `undecided_late`: due for longer than an objective's limit. `lag_seconds`: of the lead that has
    been due the longest; None: none is due. `workers` None: Redis does not answer."""

    control: Control
    undecided_slow: int
    undecided_late: int
    lag_seconds: float | None
    retries: Sequence[WorkspaceCount]
    stale_locks: int
    workers: int | None

    @property
    def retry_count(self) -> int:
        return sum(each.count for each in self.retries)

    @property
    def is_retry_count_least(self) -> bool:
        return self.retry_count >= MOST_COUNTED


def read_live(ids: Sequence[int] | None) -> Live:
    """`ids`: the workspaces to count in; None: all."""
    control = read_control()
    redis, _ = ask_redis((), control=control, is_whole=False)
    slow, late, lag = (0, 0, None) if control.paused_at is not None else _read_undecided(ids)
    return Live(
        control=control,
        undecided_slow=slow,
        undecided_late=late,
        lag_seconds=lag,
        retries=_read_retries(ids),
        stale_locks=_count_stale_locks(ids),
        workers=None if redis is None else redis.workers_alive,
    )


def _read_undecided(ids: Sequence[int] | None) -> tuple[int, int, float | None]:
    limits = {"slow": LATENCY_LIMIT_SECONDS, "late": AVAILABILITY_DEADLINE_SECONDS}
    slow, late, lag = fetch_row(UNDECIDED, {"ids": _list(ids), "most": MOST_OF_A_WORKSPACE, **limits})
    return slow, late, lag


def _read_retries(ids: Sequence[int] | None) -> Sequence[WorkspaceCount]:
    rows = fetch_rows(RETRIES, {"ids": _list(ids), "most": MOST_COUNTED})
    return [WorkspaceCount(*row) for row in rows]


def _count_stale_locks(ids: Sequence[int] | None) -> int:
    age = settings.LEADSWITCH_CLAIM_MAX_SECONDS
    (number,) = fetch_row(STALE, {"ids": _list(ids), "most": MOST_COUNTED, "age": age})
    return int(number)


def _list(ids: Sequence[int] | None) -> list[int] | None:
    return None if ids is None else list(ids)
