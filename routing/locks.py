"""Row locks on leads. A refused lock is normal contention: the caller leaves the lead alone.

Lock order of the whole product: lead, then identity, then (enrollment, wallet), then inserts.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connection, connections, transaction
from psycopg.pq import Format

from routing.models.dispatch import ALIVE_SECONDS
from routing.models.rule_triggers import RULES_LOCK
from routing.retry import Tries
from routing.values.attributes import read_stored
from tracing.locks import is_lock_timeout as is_lock_timeout


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
    received_at: datetime
    email_hash: str | None = field(repr=False)
    phone_hash: str | None = field(repr=False)
    rules_version: int  # of the source workspace
    conflicts: int
    errors: int
    max_errors: int
    dispatch_mode: str
    workspace_hours: str | None
    workspace_timezone: str
    intake_notes: Sequence[str]
    woken_by: int | None = None  # the change that made it due, while its due reason names a cause

    @property
    def has_identity(self) -> bool:
        return self.email_hash is not None or self.phone_hash is not None

    @property
    def tries(self) -> Tries:
        return Tries(self.conflicts, self.errors)

    @property
    def limits(self) -> Tries:
        return limits_of(self.max_errors)


# What a field of LockedLead is read from; the others are columns of the lead. Django's cursors leave JSON as text.
_SOURCES: Final = {
    "source": "s.name",
    "is_paused": """w.paused_at IS NOT NULL OR l.paused_at IS NOT NULL
        OR EXISTS (SELECT FROM routing_dispatchcontrol WHERE id = 1 AND paused_at IS NOT NULL)""",
    "attributes": "l.attributes::text",
    "consent": "l.consent ?| '{given_at,token}'",
    "locked_at": "clock_timestamp()",
    "rules_version": "origin.rules_version",
    "max_errors": "w.max_attempts",
    "dispatch_mode": "w.dispatch_mode",
    "workspace_hours": "w.hours::text",
    "workspace_timezone": "w.timezone",
    "intake_notes": "l.intake_notes::text",
}
_FIELDS: Final = [each.name for each in fields(LockedLead)]
_COLUMNS: Final = ", ".join(_SOURCES.get(name, f"l.{name}") for name in _FIELDS)
_ATTRIBUTES, _NOTES = _FIELDS.index("attributes"), _FIELDS.index("intake_notes")
# `w` is where the lead is, `origin` where it came in: its rules decide where it goes.
_JOINED: Final = """
    JOIN routing_source s ON s.id = l.source_id
    JOIN routing_workspace w ON w.id = l.workspace_id
    JOIN routing_workspace origin ON origin.id = l.source_workspace_id
"""

# NO KEY UPDATE: a foreign key check of another transaction (KEY SHARE) must not make the lead look busy.
LOCK_LEAD: Final = f"""
SELECT {_COLUMNS}
FROM routing_lead l
{_JOINED}
WHERE l.id = %s
FOR NO KEY UPDATE OF l SKIP LOCKED
"""  # noqa: S608 - only constant lists are put in

# statement_timestamp() is stable: the index stops at it. With the volatile clock_timestamp() every lead that waits for
# a later time would be read and thrown away whenever nothing is due.
IS_DUE: Final = "l.status = 'pending' AND l.paused_at IS NULL AND l.next_attempt_at <= statement_timestamp()"
# Asked of the workspace first: the leads of a paused one are not looked at, however many are overdue.
IS_RUNNING: Final = """
    w.paused_at IS NULL AND NOT EXISTS (SELECT FROM routing_dispatchcontrol WHERE id = 1 AND paused_at IS NOT NULL)
"""
# Whether a dispatcher lives. The row is named by its key: without, the table would be read whole (decisions/0007).
IS_LED: Final = f"""
    EXISTS (
        SELECT FROM routing_dispatchcontrol
        WHERE id = 1 AND seen_at > statement_timestamp() - interval '{ALIVE_SECONDS} seconds'
    )
"""
# While none does, the pick-up starts the leads of every workspace.
IS_POLLED: Final = f"(w.dispatch_mode <> 'event' OR NOT {IS_LED})"


def _lock_next(condition: str) -> str:
    """Workspaces that `condition` lets through, one after the other, beginning after the one that is given.

    The inner LIMITs end the walk at the first lead: no other workspace's lead is locked. The columns are read from the
    locked row itself: a second look at the table would find the row's version of the statement's start.
    """
    return f"""
SELECT {_COLUMNS}
FROM (
    SELECT head.*
    FROM (SELECT w.id FROM routing_workspace w WHERE {condition} ORDER BY w.id <= %s, w.id) turn
    CROSS JOIN LATERAL (
        SELECT l.* FROM routing_lead l
        WHERE l.workspace_id = turn.id AND {IS_DUE}
        ORDER BY l.next_attempt_at, l.id
        LIMIT 1
        FOR NO KEY UPDATE OF l SKIP LOCKED
    ) head
    LIMIT 1
) l
{_JOINED}
"""  # noqa: S608 - only constant lists and conditions are put in


LOCK_NEXT_DUE: Final = _lock_next(IS_RUNNING)
LOCK_NEXT_POLLED: Final = _lock_next(f"{IS_RUNNING} AND {IS_POLLED}")


def lock_lead(lead_id: int) -> LockedLead | None:
    """Lock one lead until the transaction ends. None: it is busy or does not exist."""
    return _lock(LOCK_LEAD, [lead_id])


def lock_next_due_lead(*, after: int) -> LockedLead | None:
    """Lock the lead that has been due longest in the next workspace after that id, round and round, that has any.

    Leads that are busy or held back, and those of paused workspaces or a paused product, are passed over.
    """
    return _lock(LOCK_NEXT_DUE, [after])


def lock_next_polled_lead(*, after: int) -> LockedLead | None:
    """The same among leads that no dispatcher starts."""
    return _lock(LOCK_NEXT_POLLED, [after])


def _lock(sql: str, parameters: list[Any]) -> LockedLead | None:
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY  # as text the driver reads timestamps with a regular expression
        cursor.execute(sql, parameters)
        row = cursor.fetchone()
    if row is None:
        return None
    values: list[Any] = list(row)
    values[_ATTRIBUTES] = read_stored(values[_ATTRIBUTES])
    values[_NOTES] = json.loads(values[_NOTES]) if values[_NOTES] != "[]" else ()
    return LockedLead(*values)


# The rows come in the order of the array, and each takes its lock before the next.
LOCK_IDENTITY: Final = "SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key"


def lock_identity(lead: LockedLead) -> None:
    """Wait until no other transaction decides about a lead of the same person, up to the session's lock_timeout.

    E-mail and phone are a lock each, taken in ascending order: two leads that share only one of them wait for each
    other too, and three cannot deadlock. Statements after this one see what the other transactions have written.
    """
    keys = sorted(_identity_key(each) for each in (lead.email_hash, lead.phone_hash) if each is not None)
    if keys:
        with connection.cursor() as cursor:
            cursor.execute(LOCK_IDENTITY, [keys])


def _identity_key(identity: str) -> int:
    digest = sha256(f"identity:{identity}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


WAIT_FOR_LEAD: Final = "SELECT status FROM routing_lead WHERE id = %s FOR NO KEY UPDATE"


def wait_for_lead(lead_id: int) -> str | None:
    """Wait for one lead's lock, up to the session's lock_timeout. Returns its status then; None: no such lead."""
    with connection.cursor() as cursor:
        cursor.execute(WAIT_FOR_LEAD, [lead_id])
        row: tuple[str] | None = cursor.fetchone()
    return row[0] if row else None


WAIT_TO_CLOSE: Final = """
SELECT status, attempts, next_attempt_at, due_reason, paused_at IS NOT NULL
FROM routing_lead WHERE id = %s FOR NO KEY UPDATE
"""


class Waiting(NamedTuple):
    """Of a lead whose attempt was rolled back: what others may have changed since."""

    status: str
    attempts: int
    next_attempt_at: datetime | None
    due_reason: str
    is_paused: bool  # the lead alone, not its workspace


def wait_to_close(lead_id: int, *, using: str) -> Waiting | None:
    """Wait for one lead's lock on another connection, up to its lock_timeout. None: no such lead."""
    with connections[using].cursor() as cursor:
        cursor.execute(WAIT_TO_CLOSE, [lead_id])
        row = cursor.fetchone()
    return None if row is None else Waiting(*row)


WAIT_FOR_SWITCH: Final = "SELECT paused_at FROM routing_workspace WHERE id = %s FOR NO KEY UPDATE"
WAIT_FOR_PRODUCT_SWITCH: Final = (
    "SELECT paused_at FROM routing_dispatchcontrol WHERE id = 1 FOR NO KEY UPDATE"
)


def wait_for_switch(workspace_id: int | None) -> datetime | None:
    """Wait until nobody else pauses or resumes the workspace (None: the product), up to lock_timeout.

    Returns since when it is paused. Raises LookupError when there is no such row.
    """
    with connection.cursor() as cursor:
        if workspace_id is None:
            cursor.execute(WAIT_FOR_PRODUCT_SWITCH)
        else:
            cursor.execute(WAIT_FOR_SWITCH, [workspace_id])
        row: tuple[datetime | None] | None = cursor.fetchone()
    if row is None:
        message = f"there is no workspace {workspace_id}"
        raise LookupError(message)
    return row[0]


LOCK_RULES: Final = "SELECT pg_advisory_xact_lock(%s)"


def lock_rules() -> None:
    """Wait until nobody else changes routing rules, up to lock_timeout; nobody does until the transaction ends.

    The triggers of routing_rule take the same lock before any of its rows. Attempts never take it.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK_RULES, [RULES_LOCK])


def try_lock_rules() -> bool:
    """As lock_rules. False when somebody keeps it longer than lock_timeout; the transaction goes on."""
    try:
        with transaction.atomic():
            lock_rules()
    except OperationalError as error:
        if not is_lock_timeout(error):
            raise
        return False
    return True


@dataclass(frozen=True, slots=True)
class HeldLead:
    """What is needed to end a lead's attempt from outside. `locked_by` and `locked_at` are those of its lease."""

    id: int
    public_id: UUID
    workspace_id: int
    source_workspace_id: int
    status: str
    attempts: int
    expires_at: datetime
    locked_by: str
    locked_at: datetime | None
    conflicts: int
    errors: int
    max_errors: int

    @property
    def tries(self) -> Tries:
        return Tries(self.conflicts, self.errors)

    @property
    def limits(self) -> Tries:
        return limits_of(self.max_errors)


# Of leads whose work goes on outside a transaction, or that nobody will start.
_HELD: Final = ", ".join(
    "w.max_attempts" if each.name == "max_errors" else f"l.{each.name}" for each in fields(HeldLead)
)
_HELD_FROM: Final = "routing_lead l JOIN routing_workspace w ON w.id = l.workspace_id"

# If another process is ending the lease, its owner waits for it and then finds nothing.
LOCK_CLAIMED: Final = f"""
SELECT {_HELD} FROM {_HELD_FROM}
WHERE l.id = %s AND l.status = 'calling' AND l.locked_by = %s AND l.locked_at = %s
FOR NO KEY UPDATE OF l
"""  # noqa: S608 - only constant lists are put in
LOCK_WAITING: Final = f"""
SELECT {_HELD} FROM {_HELD_FROM}
WHERE l.id = %s AND l.status = 'pending' AND l.paused_at IS NULL
FOR NO KEY UPDATE OF l SKIP LOCKED
"""  # noqa: S608 - only constant lists are put in
LOCK_STALE: Final = f"""
SELECT {_HELD} FROM {_HELD_FROM}
WHERE l.status = 'calling' AND l.locked_at < %s
ORDER BY l.locked_at, l.id
LIMIT %s
FOR NO KEY UPDATE OF l SKIP LOCKED
"""  # noqa: S608 - only constant lists are put in
# A lead under a lease is its owner's: when the lease ends it is due again, and expired then.
LOCK_EXPIRED: Final = f"""
SELECT {_HELD} FROM {_HELD_FROM}
WHERE l.status IN ('pending', 'gated', 'offered') AND l.expires_at <= %s
ORDER BY l.expires_at, l.id
LIMIT %s
FOR NO KEY UPDATE OF l SKIP LOCKED
"""  # noqa: S608 - only constant lists are put in


def lock_claimed_lead(lead_id: int, *, owner: str, locked_at: datetime) -> HeldLead | None:
    """Lock a lead that this owner has had since then, waiting up to lock_timeout. None: it no longer has it."""
    held = _hold(LOCK_CLAIMED, [lead_id, owner, locked_at])
    return held[0] if held else None


def lock_waiting_lead(lead_id: int) -> HeldLead | None:
    """Lock a lead that waits for an attempt. None: somebody has it, or it is paused, or waits for none."""
    held = _hold(LOCK_WAITING, [lead_id])
    return held[0] if held else None


def lock_stale_leads(*, before: datetime, limit: int) -> list[HeldLead]:
    """Lock leads whose lease began before then, the oldest first."""
    return _hold(LOCK_STALE, [before, limit])


def lock_expired_leads(*, at: datetime, limit: int) -> list[HeldLead]:
    """Lock unfinished leads whose time to live was over at `at`, the longest first; no lead under a lease."""
    return _hold(LOCK_EXPIRED, [at, limit])


def _hold(sql: str, parameters: list[Any]) -> list[HeldLead]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [HeldLead(*row) for row in cursor.fetchall()]


def limits_of(max_errors: int) -> Tries:
    """How many lock conflicts, and how many product failures, in a row park a lead."""
    return Tries(settings.LEADSWITCH_TRANSIENT_MAX_ATTEMPTS, max_errors)
