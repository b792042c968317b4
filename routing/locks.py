"""Row locks on leads. A refused lock is normal contention: the caller leaves the lead alone.

Lock order of the whole product: lead, then (enrollment, wallet), then inserts.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection
from psycopg.pq import Format

_COLUMNS: Final = """
    l.id, l.public_id, l.workspace_id, l.source_workspace_id, l.source_id, s.name, l.status, l.attempts,
    l.next_attempt_at, l.due_reason, l.expires_at,
    w.paused_at IS NOT NULL OR l.paused_at IS NOT NULL
        OR EXISTS (SELECT FROM routing_dispatchcontrol WHERE paused_at IS NOT NULL),
    l.vertical, l.zip, l.city, l.county, l.state, l.country, l.attributes::text, l.consent <> '{}'::jsonb,
    clock_timestamp(), w.dispatch_mode, w.hours::text, w.timezone
"""

# Where `attributes` stands in a row: Django's cursors leave JSON as text.
ATTRIBUTES: Final = 18

# NO KEY UPDATE: a foreign key check of another transaction (KEY SHARE) must not make the lead look busy.
LOCK_LEAD: Final = f"""
SELECT {_COLUMNS}
FROM routing_lead l
JOIN routing_source s ON s.id = l.source_id
JOIN routing_workspace w ON w.id = l.workspace_id
WHERE l.id = %s
FOR NO KEY UPDATE OF l SKIP LOCKED
"""  # noqa: S608 - only the constant column list is put in

# statement_timestamp() is stable: the index stops at it. With the volatile clock_timestamp() every lead that waits for
# a later time would be read and thrown away whenever nothing is due.
IS_DUE: Final = """
    l.status = 'pending' AND l.paused_at IS NULL AND l.next_attempt_at <= statement_timestamp()
    AND w.paused_at IS NULL AND NOT EXISTS (SELECT FROM routing_dispatchcontrol WHERE paused_at IS NOT NULL)
"""
# While no dispatcher lives, the pick-up starts the leads of every workspace.
IS_POLLED: Final = """
    (w.dispatch_mode <> 'event' OR NOT EXISTS (
        SELECT FROM routing_dispatchcontrol WHERE seen_at > statement_timestamp() - interval '15 seconds'
    ))
"""


def _lock_next(condition: str) -> str:
    return f"""
SELECT {_COLUMNS}
FROM routing_lead l
JOIN routing_source s ON s.id = l.source_id
JOIN routing_workspace w ON w.id = l.workspace_id
WHERE {condition}
ORDER BY l.next_attempt_at, l.id
LIMIT 1
FOR NO KEY UPDATE OF l SKIP LOCKED
"""  # noqa: S608 - only constant columns and conditions are put in


LOCK_NEXT_DUE: Final = _lock_next(IS_DUE)
LOCK_NEXT_POLLED: Final = _lock_next(f"{IS_DUE} AND {IS_POLLED}")


@dataclass(frozen=True, slots=True)
class LockedLead:
    """What an attempt reads of a lead it has locked: no contact field among them."""

    id: int
    public_id: UUID
    workspace_id: int
    source_workspace_id: int
    source_id: int
    source: str
    status: str
    attempts: int
    next_attempt_at: datetime | None
    due_reason: str
    expires_at: datetime
    is_paused: bool  # the lead, its whole workspace, or the product
    vertical: str
    zip: str
    city: str
    county: str
    state: str
    country: str
    attributes: Mapping[str, Any]
    consent: bool
    locked_at: datetime
    dispatch_mode: str
    workspace_hours: str | None
    workspace_timezone: str


def lock_lead(lead_id: int) -> LockedLead | None:
    """Lock one lead until the transaction ends. None: it is busy or does not exist."""
    return _lock(LOCK_LEAD, [lead_id])


def lock_next_due_lead() -> LockedLead | None:
    """Lock the lead that has been due longest and is not busy, neither it nor its workspace nor the product paused."""
    return _lock(LOCK_NEXT_DUE, [])


def lock_next_polled_lead() -> LockedLead | None:
    """The same among leads that no dispatcher starts."""
    return _lock(LOCK_NEXT_POLLED, [])


def _lock(sql: str, parameters: list[Any]) -> LockedLead | None:
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY  # as text the driver reads timestamps with a regular expression
        cursor.execute(sql, parameters)
        row = cursor.fetchone()
    if row is None:
        return None
    values: list[Any] = list(row)
    values[ATTRIBUTES] = json.loads(values[ATTRIBUTES])
    return LockedLead(*values)


WAIT_FOR_LEAD: Final = "SELECT status FROM routing_lead WHERE id = %s FOR NO KEY UPDATE"


def wait_for_lead(lead_id: int) -> str | None:
    """Wait for one lead's lock, up to the session's lock_timeout. Returns its status then; None: no such lead."""
    with connection.cursor() as cursor:
        cursor.execute(WAIT_FOR_LEAD, [lead_id])
        row: tuple[str] | None = cursor.fetchone()
    return row[0] if row else None
