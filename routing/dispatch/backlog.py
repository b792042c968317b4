"""Pages through the leads that should be in the schedule, and requeues those that are missing there.

Each workspace has its own order, by due time. A page has an equal share of each (docs/decisions/0047).
Raises redis.RedisError.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, islice, zip_longest
from typing import Final

from django.db import connection

from routing.dispatch import schedule
from routing.dispatch.enqueue import publish
from routing.dispatch.schedule import Due
from routing.dispatch.spread import GAUGES, Spread
from routing.models import Workspace

# No setting: one page is read in each turn of the leader, which must renew its lease between two.
LEADS_PER_PAGE: Final = 1_000

Place = tuple[datetime, int]
ANY_TIME: Final = datetime.max.replace(tzinfo=UTC)
START: Final[Place] = (datetime.min.replace(tzinfo=UTC), 0)

# `received_at`: the youngest leads are still on their way into the schedule.
PAGE: Final = """
SELECT l.id, w.id, l.next_attempt_at
FROM unnest(%(workspaces)s::bigint[], %(times)s::timestamptz[], %(leads)s::bigint[]) AS place (workspace, due_at, lead)
JOIN routing_workspace w ON w.id = place.workspace AND w.dispatch_mode = %(mode)s
CROSS JOIN LATERAL (
    SELECT l.id, l.next_attempt_at FROM routing_lead l
    WHERE l.workspace_id = place.workspace AND l.status IN ('pending', 'offered') AND l.paused_at IS NULL
        AND (l.next_attempt_at, l.id) > (place.due_at, place.lead) AND l.next_attempt_at < %(until)s
        AND l.received_at <= statement_timestamp() - make_interval(secs => %(least_age)s)
    ORDER BY l.next_attempt_at, l.id
    LIMIT %(part)s
) l
ORDER BY w.id, l.next_attempt_at, l.id
"""


class BacklogScan:
    """Reads the waiting leads of workspaces in one mode, page by page. One large workspace does not delay the others.

    A workspace without further leads leaves its share of the page to the others. `last`: workspaces that are read after
    all of those.
    """

    def __init__(self, mode: str, workspace_ids: Iterable[int], *, last: Iterable[int] = ()) -> None:
        self._mode = mode
        self._places: dict[int, Place] = dict.fromkeys(workspace_ids, START)
        self._last = list(last)
        self._continue_with_last()

    @property
    def is_finished(self) -> bool:
        return not self._places

    def read_page(
        self, *, count: int = LEADS_PER_PAGE, until: datetime = ANY_TIME, least_age: timedelta = timedelta(0)
    ) -> list[Due]:
        """Return the next leads: each workspace in due order, the workspaces in turn."""
        chosen = dict(islice(self._places.items(), count))
        part = count // max(1, len(chosen))
        found = self._read(chosen, part=part, until=until, least_age=least_age)
        for workspace_id in chosen:
            del self._places[workspace_id]
            leads = found.get(workspace_id, [])
            if len(leads) == part:
                self._places[workspace_id] = (leads[-1].due_at, leads[-1].lead_id)
        self._continue_with_last()
        return [lead for lead in chain.from_iterable(zip_longest(*found.values())) if lead is not None]

    def _read(
        self, places: dict[int, Place], *, part: int, until: datetime, least_age: timedelta
    ) -> dict[int, list[Due]]:
        times, leads = zip(*places.values(), strict=True) if places else ((), ())
        found: dict[int, list[Due]] = defaultdict(list)
        with connection.cursor() as cursor:
            cursor.execute(
                PAGE,
                {
                    "workspaces": list(places),
                    "times": list(times),
                    "leads": list(leads),
                    "mode": self._mode,
                    "until": until,
                    "least_age": least_age.total_seconds(),
                    "part": part,
                },
            )
            for row in cursor.fetchall():
                found[row[1]].append(Due(*row))
        return found

    def _continue_with_last(self) -> None:
        if not self._places:
            self._places, self._last = dict.fromkeys(self._last, START), []


def scan_running(mode: str) -> BacklogScan:
    """Scan the workspaces in this mode that are not paused."""
    return BacklogScan(mode, _list_workspaces(mode, is_paused=False))


def scan_all(mode: str) -> BacklogScan:
    """Scan these, then the paused ones: their leads must be in the schedule when the workspace is resumed."""
    running, paused = (_list_workspaces(mode, is_paused=is_paused) for is_paused in (False, True))
    return BacklogScan(mode, running, last=paused)


def _list_workspaces(mode: str, *, is_paused: bool) -> Iterable[int]:
    found = Workspace.objects.filter(dispatch_mode=mode, paused_at__isnull=not is_paused)
    return found.order_by("pk").values_list("pk", flat=True)


def requeue_leads(leads: Sequence[Due], *, spread: Spread, at: datetime, path: str = "put") -> bool:
    """Put leads into the schedule again. Returns False if the broker refused one that is due: it waits again."""
    dispatched = schedule.put([spread.place(lead, at=at) for lead in leads])
    GAUGES.show(spread)
    return publish(dispatched, path=path) == len(dispatched)
