"""Pages through the leads that should be in the schedule, in due order, and puts back those that are lost.

Raises redis.RedisError.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from django.db import connection

from routing import schedule
from routing.handon import publish
from routing.schedule import LONGEST_SPREAD_SECONDS, Due

LEADS_A_PAGE: Final = 1_000
# So many overdue leads a second come back: more than workers finish, so that they never wait for it, and few enough
# that a hundred thousand are no stampede.
LEADS_A_SECOND: Final = 1_000
# Every due time moves later by up to this, so that leads of one page do not come up in one instant.
LEAST_JITTER_SECONDS: Final = 0.1

Place = tuple[datetime, int]
ANY_TIME: Final = datetime.max.replace(tzinfo=UTC)
START: Final[Place] = (datetime.min.replace(tzinfo=UTC), 0)

# `received_at`: the youngest are still on their way into the schedule.
PAGE: Final = """
SELECT l.id, l.workspace_id, l.next_attempt_at
FROM routing_lead l JOIN routing_workspace w ON w.id = l.workspace_id
WHERE l.status = 'pending' AND l.paused_at IS NULL AND w.dispatch_mode = %s
    AND (l.next_attempt_at, l.id) > (%s, %s) AND l.next_attempt_at < %s
    AND (%s::bigint IS NULL OR l.workspace_id = %s)
    AND l.received_at <= statement_timestamp() - make_interval(secs => %s)
ORDER BY l.next_attempt_at, l.id
LIMIT %s
"""


def read_page(
    after: Place | None,
    *,
    mode: str,
    workspace_id: int | None = None,
    count: int = LEADS_A_PAGE,
    until: datetime = ANY_TIME,
    least_age: timedelta = timedelta(0),
) -> list[Due]:
    """Return the next leads in due order, by key: no pile hides a lead behind it (PITFALLS 26)."""
    due_at, lead_id = after or START
    with connection.cursor() as cursor:
        cursor.execute(
            PAGE,
            [
                *(mode, due_at, lead_id, until, workspace_id, workspace_id),
                *(least_age.total_seconds(), count),
            ],
        )
        return [Due(*row) for row in cursor.fetchall()]


def place_of(lead: Due) -> Place:
    return lead.due_at, lead.lead_id


@dataclass(slots=True)
class Spread:
    """When lost leads come up again: those that are overdue one after the other, later the more there are.

    Only ever later than they are due (PITFALLS 27). `seed` makes a spread repeatable.
    """

    seed: int
    overdue: int = 0
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)  # noqa: S311 - spreads load, protects nothing

    def place(self, lead: Due, *, at: datetime) -> Due:
        """Return the lead with how long it shall wait. `at`: by the database's clock, as the due time is."""
        if lead.due_at > at:
            return lead
        delay = self.overdue / LEADS_A_SECOND % (LONGEST_SPREAD_SECONDS - 1)
        self.overdue += 1
        jitter = self._random.random() * min(LEAST_JITTER_SECONDS, delay)
        return lead._replace(wait_ms=round(1000 * (delay + jitter)))


def put_back(leads: Sequence[Due], *, spread: Spread, at: datetime, path: str = "put") -> bool:
    """Returns False when the broker refused one of those that are due: it is in the schedule again."""
    handed = schedule.put([spread.place(lead, at=at) for lead in leads])
    return publish(handed, path=path) == len(handed)
