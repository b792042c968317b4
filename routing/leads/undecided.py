"""Pending leads that have been due for longer than a limit, and the one that has been due the longest.

The page Health and the exporter count them, and the list of leads shows them. One statement serves all three, so a
number and its list agree. Leads that are paused, or whose latest pause ended within the limit, are not delayed
(decisions/0062). Test leads are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import connection

from routing.locks.attempts import IS_RUNNING, RESUMED_AT

# Of all workspaces together, on pages. Reading more takes time and adds nothing.
MAX_UNDECIDED: Final = 5_000
# Of one workspace, if that many were paused on their own.
MAX_EARLIEST: Final = 1_000

_SCOPE: Final = "(%(ids)s::bigint[] IS NULL OR w.id = ANY(%(ids)s))"
_BEFORE: Final = "statement_timestamp() - %(over)s::interval"
# The index lead_workspace_due gives each workspace its leads.
UNDECIDED: Final = f"""
SELECT late.id FROM routing_workspace w CROSS JOIN LATERAL (
    SELECT l.id FROM routing_lead l
    WHERE l.workspace_id = w.id AND l.status IN ('pending', 'offered') AND l.paused_at IS NULL AND NOT l.is_test
        AND l.next_attempt_at < {_BEFORE} AND (l.resumed_at IS NULL OR l.resumed_at < {_BEFORE})
    ORDER BY l.next_attempt_at, l.id LIMIT %(most)s
) late
WHERE {IS_RUNNING} AND (w.resumed_at IS NULL OR w.resumed_at < {_BEFORE}) AND {_SCOPE}
    AND NOT EXISTS (SELECT FROM routing_dispatchcontrol WHERE id = 1 AND resumed_at >= {_BEFORE})
LIMIT %(most)s
"""  # noqa: S608 - only constants are put in
COUNT: Final = f"SELECT count(*) FROM ({UNDECIDED}) undecided"  # noqa: S608 - only constants are put in
_IS_DUE: Final = (
    "l.workspace_id = w.id AND l.status IN ('pending', 'offered') AND l.paused_at IS NULL"
    " AND l.next_attempt_at <= statement_timestamp()"
)
# A lead that was not paused since it was due has waited for longer than all leads behind it. Nearly always it is the
# first one, so a workspace costs two rows, no matter how many of its leads are due.
OLDEST: Final = f"""
SELECT due.id, extract(epoch FROM statement_timestamp() - due.since)::float8
FROM routing_workspace w LEFT JOIN LATERAL (
    SELECT l.next_attempt_at, l.id FROM routing_lead l
    WHERE {_IS_DUE} AND (l.resumed_at IS NULL OR l.resumed_at <= l.next_attempt_at)
    ORDER BY l.next_attempt_at, l.id LIMIT 1
) unpaused ON true
CROSS JOIN LATERAL (
    SELECT l.id, GREATEST(l.next_attempt_at, {RESUMED_AT}) AS since FROM routing_lead l
    WHERE {_IS_DUE}
        AND (l.next_attempt_at, l.id) <= (coalesce(unpaused.next_attempt_at, 'infinity'), coalesce(unpaused.id, 0))
    ORDER BY l.next_attempt_at, l.id LIMIT %(most)s
) due
WHERE {IS_RUNNING} AND {_SCOPE}
ORDER BY due.since, due.id LIMIT 1
"""  # noqa: S608 - only constants are put in


@dataclass(frozen=True, slots=True)
class OldestDue:
    """The lead that has been due the longest, and for how many seconds."""

    id: int
    seconds: float


def find_undecided(ids: Sequence[int] | None, *, over: timedelta) -> Sequence[int]:
    """Return the first MAX_UNDECIDED leads that have been due for longer than `over`.

    `ids`: the workspaces to look in; None: all.
    """
    return [pk for (pk,) in _fetch(UNDECIDED, ids, over=over, most=MAX_UNDECIDED)]


def count_undecided(ids: Sequence[int] | None, *, over: timedelta, most: int) -> int:
    """Count the same leads, up to `most`."""
    [(number,)] = _fetch(COUNT, ids, over=over, most=most)
    return int(number)


def find_oldest_due(ids: Sequence[int] | None) -> OldestDue | None:
    found = _fetch(OLDEST, ids, most=MAX_EARLIEST)
    return OldestDue(*found[0]) if found else None


def _fetch(statement: str, ids: Sequence[int] | None, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"ids": None if ids is None else list(ids), **values})
        return list(cursor.fetchall())
