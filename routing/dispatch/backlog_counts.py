"""Counts of the leads that wait in PostgreSQL, by workspace. Looks at a bounded number of rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection

MAX_COUNTED: Final = 10_000
# Reads the earliest lead of each workspace through the index of its own leads, then the leads behind it, up to the
# limit. Running workspaces come before paused ones, no matter how many leads those have.
_BEHIND: Final = """
    SELECT id, count(*) AS leads FROM (
        SELECT h.id FROM (SELECT * FROM heads ORDER BY is_paused, at, id) h
        CROSS JOIN LATERAL (
            SELECT FROM routing_lead l
            WHERE l.workspace_id = h.id AND l.status IN ('pending', 'offered') AND l.paused_at IS NULL {due}
            ORDER BY l.next_attempt_at, l.id
            LIMIT %(limit)s
        ) one
        LIMIT %(limit)s
    ) behind
    GROUP BY 1
"""
BACKLOG: Final = f"""
WITH heads AS MATERIALIZED (
    SELECT w.id, w.paused_at IS NOT NULL AS is_paused, head.at
    FROM routing_workspace w
    CROSS JOIN LATERAL (
        SELECT l.next_attempt_at AS at FROM routing_lead l
        WHERE l.workspace_id = w.id AND l.status IN ('pending', 'offered') AND l.paused_at IS NULL
        ORDER BY l.next_attempt_at, l.id
        LIMIT 1
    ) head
    WHERE %(visible)s::bigint[] IS NULL OR w.id = ANY(%(visible)s)
), waiting AS ({_BEHIND.format(due="")}
), overdue AS ({_BEHIND.format(due="AND l.next_attempt_at <= statement_timestamp()")}
)
SELECT h.id, h.is_paused, coalesce(waiting.leads, 0), coalesce(overdue.leads, 0),
    extract(epoch FROM statement_timestamp() - h.at)::float8
FROM heads h LEFT JOIN waiting USING (id) LEFT JOIN overdue USING (id)
"""  # noqa: S608 - only constants are put in


@dataclass(frozen=True, slots=True)
class Backlog:
    """Leads that wait for their time, and the overdue ones among them. `is_..._least`: there are at least this many;
    leads that are due later were not counted."""

    waiting: int = 0
    overdue: int = 0
    is_waiting_least: bool = False
    is_overdue_least: bool = False

    @property
    def waiting_display(self) -> str:
        return f"{self.waiting:,}{'+' if self.is_waiting_least else ''}"

    @property
    def overdue_display(self) -> str:
        return f"{self.overdue:,}{'+' if self.is_overdue_least else ''}"


@dataclass(frozen=True, slots=True)
class Backlogs:
    by_workspace: Mapping[int, Backlog]
    total: Backlog
    overdue_seconds: float | None


def read_backlogs(visible: Sequence[int] | None) -> Backlogs:
    ids = None if visible is None else list(visible)
    with connection.cursor() as cursor:
        cursor.execute(BACKLOG, {"visible": ids, "limit": MAX_COUNTED})
        rows = cursor.fetchall()
    least = tuple(sum(row[at] for row in rows) == MAX_COUNTED for at in (2, 3))
    late = [seconds for _, is_paused, *_, seconds in rows if seconds >= 0 and not is_paused]
    return Backlogs(
        {pk: Backlog(waiting, overdue, *least) for pk, _, waiting, overdue, _ in rows},
        Backlog(sum(row[2] for row in rows), sum(row[3] for row in rows), *least),
        max(late, default=None),
    )
