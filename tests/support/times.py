"""Due times for tests of the schedule: distant enough that a slow machine does not matter."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from routing.dispatch.schedule import Dispatched, Due

HOUR = timedelta(hours=1)


def latest_noon() -> datetime:
    """Half past the last noon in UTC, far from the ends of an hour or a day.

    Not ahead of the clock of PostgreSQL, by which leads are due.
    """
    return (datetime.now(UTC) - timedelta(hours=12, minutes=31)).replace(hour=12, minute=30)


def due(lead_id: int, workspace_id: int = 1, *, ago: timedelta = HOUR) -> Due:
    return Due(lead_id, workspace_id, datetime.now(UTC) - ago)


def later(lead_id: int, workspace_id: int = 1, *, ahead: timedelta = HOUR) -> Due:
    return due(lead_id, workspace_id, ago=-ahead)


def ids(dispatched: Sequence[Dispatched]) -> list[int]:
    return [each.lead_id for each in dispatched]


def pairs(dispatched: Sequence[Dispatched]) -> list[tuple[int, int]]:
    """(lead, workspace) of each."""
    return [(each.lead_id, each.workspace_id) for each in dispatched]
