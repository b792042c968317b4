"""Sweeps over all waiting leads of a dispatch mode, a part in each run: the next run continues where this one ended.

The position is in Redis. If it is lost, the sweep starts again. Raises redis.RedisError.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection

from routing.dispatch.schedule import TIMEOUT_SECONDS, Due
from routing.redis.client import get_client
from routing.redis.keys import sweep_key


@dataclass(frozen=True, order=True, slots=True)
class Position:
    """A lead in the order of a sweep. `due_us`: microseconds since 1970, exactly as PostgreSQL stores them."""

    workspace_id: int = 0
    due_us: int = 0
    lead_id: int = 0

    @property
    def due_at(self) -> datetime:
        return _EPOCH + timedelta(microseconds=self.due_us)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
FIRST: Final = Position()

# For workspaces that are not paused, only leads due from `soon` on: every run checks the others. Each workspace
# starts at a place in the index, so that a page costs the same at the end of a backlog as at its start.
PAGE: Final = """
SELECT l.id, w.id, l.next_attempt_at
FROM routing_workspace w
CROSS JOIN LATERAL (
    SELECT w.id = %(workspace)s AND (w.paused_at IS NOT NULL OR %(due_at)s::timestamptz >= %(soon)s) AS goes_on
) place
CROSS JOIN LATERAL (
    SELECT l.id, l.next_attempt_at FROM routing_lead l
    WHERE l.workspace_id = w.id AND l.status IN ('pending', 'offered') AND l.paused_at IS NULL
        AND (l.next_attempt_at, l.id) > (
            CASE WHEN place.goes_on THEN %(due_at)s WHEN w.paused_at IS NULL THEN %(soon)s ELSE '-infinity' END,
            CASE WHEN place.goes_on THEN %(lead)s::bigint ELSE 0 END
        )
        AND l.received_at <= statement_timestamp() - make_interval(secs => %(least_age)s)
    ORDER BY l.next_attempt_at, l.id
    LIMIT %(count)s
) l
WHERE w.dispatch_mode = %(mode)s AND w.id >= %(workspace)s
ORDER BY w.id, l.next_attempt_at, l.id
LIMIT %(count)s
"""


class Sweep:
    """One run's part of the sweep: every lead at most once."""

    def __init__(self, mode: str, *, soon: datetime, least_age: timedelta) -> None:
        self._mode, self._soon, self._least_age = mode, soon, least_age
        self._begun_at = self._place = _read_position(mode)
        self._is_second_half = False
        self.is_finished = False

    def read_page(self, *, count: int) -> list[Due]:
        """Return the next leads. After the last one it continues with the first, up to where this run started."""
        found = self._read(count)
        leads = [lead for lead in found if not self._is_second_half or position_of(lead) <= self._begun_at]
        if leads:
            self._place = position_of(leads[-1])
        if len(leads) < len(found):
            self.is_finished = True
        elif len(found) < count:
            self.is_finished = self._is_second_half or self._begun_at == FIRST
            self._place, self._is_second_half = FIRST, True
        return leads

    def save_position(self) -> None:
        get_client(TIMEOUT_SECONDS).set(sweep_key(self._mode), json.dumps(asdict(self._place)))

    def _read(self, count: int) -> list[Due]:
        given: dict[str, Any] = {
            "workspace": self._place.workspace_id,
            "due_at": self._place.due_at,
            "lead": self._place.lead_id,
            "soon": self._soon,
            "least_age": self._least_age.total_seconds(),
            "mode": self._mode,
            "count": count,
        }
        with connection.cursor() as cursor:
            cursor.execute(PAGE, given)
            return [Due(*row) for row in cursor.fetchall()]


def position_of(lead: Due) -> Position:
    return Position(lead.workspace_id, (lead.due_at - _EPOCH) // _MICROSECOND, lead.lead_id)


def _read_position(mode: str) -> Position:
    stored = get_client(TIMEOUT_SECONDS).get(sweep_key(mode))
    return Position(**json.loads(stored)) if stored else FIRST
