"""Reads of routing for API, admin and tasks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from routing.access.named import find_named
from routing.after_commit import after_commit_try
from routing.locks.attempts import IS_DUE, IS_LED, IS_POLLED, IS_RUNNING
from routing.models import Lead

# Each part has an index (decisions/0007): IS_POLLED in one would read every workspace.
HAS_POLLED: Final = f"""
SELECT EXISTS (SELECT FROM routing_workspace WHERE dispatch_mode <> 'event') OR NOT {IS_LED}
"""  # noqa: S608 - constant


def has_polled() -> bool:
    """Whether the pick-up has any workspace to look after. Saves it from reading the dispatcher's backlog."""
    with connection.cursor() as cursor:
        cursor.execute(HAS_POLLED, {"alive": settings.LEADSWITCH_TAKEOVER.alive_seconds})
        return bool(cursor.fetchone()[0])


# Of each workspace through the index of its own leads; the outer LIMIT ends the walk.
_COUNT: Final = """
SELECT count(*) FROM (
    SELECT FROM routing_workspace w
    CROSS JOIN LATERAL (
        SELECT FROM routing_lead l
        WHERE l.workspace_id = w.id AND {leads}
        ORDER BY l.next_attempt_at, l.id
        LIMIT %(limit)s
    ) one
    WHERE {workspaces}
    LIMIT %(limit)s
) due
"""
COUNT_POLLED: Final = _COUNT.format(leads=IS_DUE, workspaces=f"{IS_RUNNING} AND {IS_POLLED}")


def count_polled(*, limit: int) -> int:
    """Return how many leads are due that the pick-up has to start, counting no further than `limit`."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT_POLLED, {"limit": limit, "alive": settings.LEADSWITCH_TAKEOVER.alive_seconds})
        return int(cursor.fetchone()[0])


COUNT_DUE: Final = _COUNT.format(
    leads=IS_DUE, workspaces="w.paused_at IS NULL AND (%(workspace)s::bigint IS NULL OR w.id = %(workspace)s)"
)


def count_due(workspace_id: int | None, *, limit: int) -> int:
    """Return how many leads of a workspace (None: of all) are due and not paused with it, up to `limit`."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT_DUE, {"workspace": workspace_id, "limit": limit})
        return int(cursor.fetchone()[0])


READ_DUE_TIMES: Final = """
SELECT l.id, l.workspace_id, w.dispatch_mode, due.at, due.at - clock_timestamp()
FROM routing_lead l
JOIN routing_workspace w ON w.id = l.workspace_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN l.status IN ('pending', 'offered') AND l.paused_at IS NULL THEN l.next_attempt_at END AS at
) due
WHERE l.id = ANY(%s)
ORDER BY l.id
"""


def read_clock() -> datetime:
    """The database's clock: the one by which leads are due, locked and expired."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        at: datetime = cursor.fetchone()[0]
    return at


class DueTime(NamedTuple):
    """When a lead is due. `due_at` None: it no longer waits, or it is paused.

    `remaining` is by the database's clock, and negative when the time has come.
    """

    lead_id: int
    workspace_id: int
    mode: str
    due_at: datetime | None
    remaining: timedelta | None = None


def read_due_times(lead_ids: Sequence[int]) -> list[DueTime]:
    """Return the due times of those leads that exist."""
    with connection.cursor() as cursor:
        cursor.execute(READ_DUE_TIMES, [list(lead_ids)])
        return [DueTime(*row) for row in cursor.fetchall()]


def find_leads(text: str, *, limit: int = 5, among: QuerySet[Lead] | None = None) -> Sequence[Lead]:
    """Return the leads that `text` names: a public id, an id, or a sender's own id. No more than `limit`."""
    leads = Lead.objects.all() if among is None else among
    leads = leads.select_related("workspace", "source").order_by("pk")
    return find_named(leads, text, lookup="external_id", limit=limit)


_ROW: Final = """
SELECT l.id, l.public_id, l.external_id, l.status, l.skip_reason, l.cancel_reason, l.vertical, l.zip, l.attempts,
    l.next_attempt_at, l.received_at, l.expires_at, l.finished_at, l.is_test, l.verification, l.verified_at,
    l.workspace_id <> l.source_workspace_id
"""
# The state of a lead: its row, and how its last attempt ended. It has no personal data.
_LAST_ATTEMPT: Final = """,
    (SELECT f.public_id FROM routing_lead f
     WHERE l.status = 'duplicate' AND f.id = last.first_lead_id AND f.source_id = l.source_id),
    last.result,
    CASE WHEN l.status = 'returned' THEN 0 ELSE (
        SELECT (e.data->>'buyers')::int FROM tracing_leaddistributionevent e
        WHERE e.attempt_id = last.id AND e.event = 'distributed'
    ) END,
    ARRAY(SELECT jsonb_array_elements_text(l.intake_notes))
FROM routing_lead l
LEFT JOIN LATERAL (
    SELECT a.id, a.result, a.first_lead_id FROM tracing_attempt a WHERE a.lead_id = l.id ORDER BY a.number DESC LIMIT 1
) last ON true
"""
_STATE: Final = _ROW + _LAST_ATTEMPT
STATE_OF_PUBLIC_ID: Final = f"{_STATE} WHERE l.public_id = %s"
STATE_OF_SENT: Final = f"{_STATE} WHERE l.public_id = %s AND l.source_id = %s"
# Without the trace, while its tables cannot be read.
_NO_ATTEMPT: Final = """,
    NULL::uuid, NULL, NULL::int, ARRAY(SELECT jsonb_array_elements_text(l.intake_notes))
FROM routing_lead l WHERE l.public_id = %s
"""
ROW_OF_PUBLIC_ID: Final = _ROW + _NO_ATTEMPT


@dataclass(frozen=True, slots=True)
class LeadState:
    """`result` and `buyers` are those of the last attempt; None before the first, or when its trace is missing.

    `is_elsewhere`: rules routed it to another workspace. `duplicate_of`: the lead that came first, where the same
    source sent that one too. `is_complete` False: the trace could not be read; the lead's own row is all there is.
    """

    id: int
    public_id: UUID
    external_id: str
    status: str
    skip_reason: str
    cancel_reason: str
    vertical: str
    zip: str
    attempts: int
    next_attempt_at: datetime | None
    received_at: datetime
    expires_at: datetime
    finished_at: datetime | None
    is_test: bool
    verification: str
    verified_at: datetime | None
    is_elsewhere: bool
    duplicate_of: UUID | None
    result: str | None
    buyers: int | None
    intake_notes: Sequence[str]
    is_complete: bool = True


def read_state_after_commit(step: str, public_id: UUID) -> LeadState | None:
    """Return a lead that the caller has just written, as far as it can be read: in full, its row alone, or not at all.

    Never raises: what is stored is stored.
    """
    state = after_commit_try(step, partial(_read_state, STATE_OF_PUBLIC_ID, [public_id]))
    if state is not None:
        return state
    row = after_commit_try(step, partial(_read_state, ROW_OF_PUBLIC_ID, [public_id]))
    return None if row is None else replace(row, is_complete=False)


def find_sent_lead(public_id: UUID, *, source_id: int) -> LeadState | None:
    """Return the lead if this source sent it. To every other source, of the same workspace too, it does not exist."""
    return _read_state(STATE_OF_SENT, [public_id, source_id])


def _read_state(sql: str, parameters: list[Any]) -> LeadState | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row = cursor.fetchone()
    return LeadState(*row) if row else None
