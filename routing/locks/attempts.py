"""Locks of attempts on leads and on the identities of their people. A refused lock is normal contention.

Lock order of the whole product: lead, then identity, then (enrollment, wallet), then inserts.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import connection, connections
from psycopg.pq import Format

from routing.retry import Tries
from routing.values.attributes import read_stored
from routing.values.contact import CONTACT_SQL, Contact, parse_contact

Moment = TypeVar("Moment", datetime, datetime | None)


def after_pause(at: Moment, resumed_at: datetime | None) -> Moment:
    """The later of the two. Time before the latest pause ended does not count as a delay (decisions/0062)."""
    return at if at is None or resumed_at is None else max(at, resumed_at)


@dataclass(frozen=True, slots=True)
class LeadUnderLock:
    """What every lock on a lead reads."""

    id: int
    public_id: UUID
    workspace_id: int
    source_workspace_id: int
    status: str
    attempts: int
    next_attempt_at: datetime | None
    received_at: datetime
    expires_at: datetime
    is_paused: bool  # the lead, its whole workspace, or the product
    resumed_at: datetime | None  # when the latest of these pauses ended
    conflicts: int
    errors: int
    max_errors: int  # of its workspace
    is_test: bool
    is_partly_sold: bool  # a buyer has it while others may still get it

    @property
    def tries(self) -> Tries:
        return Tries(self.conflicts, self.errors)

    @property
    def limits(self) -> Tries:
        """How many lock conflicts, and how many product failures, in a row park the lead."""
        return Tries(settings.LEADSWITCH_TRANSIENT_MAX_ATTEMPTS, self.max_errors)


@dataclass(frozen=True, slots=True)
class LockedLead(LeadUnderLock):
    """What an attempt reads of a lead it has locked. `contact` is read only to keep it out of the trace and offers."""

    source_id: int
    source: str
    due_reason: str
    vertical: str
    zip: str
    city: str
    county: str
    state: str
    country: str
    attributes: Mapping[str, Any]
    consent: bool
    consents: Sequence[str]  # the kinds of proof of consent that it has
    verification: str
    locked_at: datetime
    contact: Contact = field(repr=False)
    email_hash: str | None = field(repr=False)
    phone_hash: str | None = field(repr=False)
    rules_version: int  # of the source workspace
    dispatch_mode: str
    workspace_hours: str | None
    workspace_timezone: str
    intake_notes: Sequence[str]
    woken_by: int | None = None  # the change that made it due, while its due reason names a cause
    posting_since: datetime | None = (
        None  # when the first buyer's system was asked, until the lead is finished or deferred
    )
    ping_id: int | None = None  # the ping whose price its source was promised

    @property
    def due_since(self) -> datetime | None:
        """Since when it could have been decided: since its due time, or since its latest pause ended."""
        return after_pause(self.next_attempt_at, self.resumed_at)

    @property
    def posting_from(self) -> datetime | None:
        """When the deadline for further buyers' systems begins: time before its latest pause ended does not count."""
        return after_pause(self.posting_since, self.resumed_at)

    @property
    def has_identity(self) -> bool:
        return self.email_hash is not None or self.phone_hash is not None


# Whether the product is paused.
IS_PRODUCT_PAUSED: Final = (
    "EXISTS (SELECT FROM routing_dispatchcontrol WHERE id = 1 AND paused_at IS NOT NULL)"
)
# Whether a lead `l` in its workspace `w` is paused: itself, the whole workspace, or the product.
IS_PAUSED: Final = f"w.paused_at IS NOT NULL OR l.paused_at IS NOT NULL OR {IS_PRODUCT_PAUSED}"
# When its latest pause ended. GREATEST ignores NULL.
RESUMED_AT: Final = """GREATEST(
    l.resumed_at, w.resumed_at, (SELECT resumed_at FROM routing_dispatchcontrol WHERE id = 1)
)"""
# What a field of LeadUnderLock is read from; the others are columns of the lead.
SOURCES: Final = {"is_paused": IS_PAUSED, "resumed_at": RESUMED_AT, "max_errors": "w.max_attempts"}
# The same of LockedLead. Django's cursors leave JSON as text.
_SOURCES: Final = {
    **SOURCES,
    "source": "s.name",
    "attributes": "l.attributes::text",
    "contact": CONTACT_SQL,
    "consent": "l.consent ?| '{given_at,token}'",
    "consents": "ARRAY(SELECT kind FROM unnest('{given_at,token}'::text[]) AS kind WHERE l.consent ? kind)",
    "locked_at": "clock_timestamp()",
    "rules_version": "origin.rules_version",
    "dispatch_mode": "w.dispatch_mode",
    "workspace_hours": "w.hours::text",
    "workspace_timezone": "w.timezone",
    "intake_notes": "l.intake_notes::text",
}
_FIELDS: Final = [each.name for each in fields(LockedLead)]
_COLUMNS: Final = ", ".join(_SOURCES.get(name, f"l.{name}") for name in _FIELDS)
_ATTRIBUTES, _CONTACT = _FIELDS.index("attributes"), _FIELDS.index("contact")
_NOTES = _FIELDS.index("intake_notes")
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

# Whether an attempt starts the lead at its due time: it waits, or it is offered until then.
IS_TIMED: Final = "l.status IN ('pending', 'offered') AND l.paused_at IS NULL"
# statement_timestamp() is stable: the index stops at it. With the volatile clock_timestamp() every lead that waits for
# a later time would be read and thrown away whenever nothing is due.
IS_DUE: Final = f"{IS_TIMED} AND l.next_attempt_at <= statement_timestamp()"
# Checked on the workspace first: the leads of a paused one are not read, no matter how many are overdue.
IS_RUNNING: Final = f"w.paused_at IS NULL AND NOT {IS_PRODUCT_PAUSED}"
# Whether a dispatcher leads. The row is named by its key, or the whole table would be read (decisions/0007).
IS_LED: Final = """
    EXISTS (
        SELECT FROM routing_dispatchcontrol
        WHERE id = 1 AND seen_at > statement_timestamp() - make_interval(secs => %(alive)s)
    )
"""
# While no dispatcher leads, the pick-up starts the leads of every workspace.
IS_POLLED: Final = f"(w.dispatch_mode <> 'event' OR NOT {IS_LED})"


def _lock_next(condition: str) -> str:
    """Lock the first due lead of the next workspace that meets `condition`, in turn after the given id.

    The inner LIMITs end the walk at the first lead: no other workspace's lead is locked. The columns are read from the
    locked row itself: a second look at the table would find the row's version of the statement's start.
    """
    return f"""
SELECT {_COLUMNS}
FROM (
    SELECT head.*
    FROM (SELECT w.id FROM routing_workspace w WHERE {condition} ORDER BY w.id <= %(after)s, w.id) turn
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
    """Lock the lead that has been due longest in the next workspace, in turn after that id, that has one.

    Skips leads that are locked or paused, and those of paused workspaces or a paused product.
    """
    return _lock(LOCK_NEXT_DUE, {"after": after})


def lock_next_polled_lead(*, after: int) -> LockedLead | None:
    """As lock_next_due_lead, among leads that no dispatcher starts."""
    return _lock(LOCK_NEXT_POLLED, {"after": after, "alive": settings.LEADSWITCH_TAKEOVER.alive_seconds})


def _lock(sql: str, parameters: Sequence[Any] | Mapping[str, Any]) -> LockedLead | None:
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY  # as text the driver reads timestamps with a regular expression
        cursor.execute(sql, parameters)
        row = cursor.fetchone()
    if row is None:
        return None
    values: list[Any] = list(row)
    values[_ATTRIBUTES] = read_stored(values[_ATTRIBUTES])
    values[_CONTACT] = parse_contact(values[_CONTACT])
    values[_NOTES] = json.loads(values[_NOTES]) if values[_NOTES] != "[]" else ()
    return LockedLead(*values)


# The rows come in the order of the array, and each takes its lock before the next.
LOCK_IDENTITY: Final = "SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key"


def lock_identity(lead: LockedLead) -> None:
    """Wait until no other transaction decides about a lead of the same person, up to the session's lock_timeout.

    Email and phone are a lock each, taken in ascending order: two leads that share only one of them wait for each
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


def wait_for_lead(lead_id: int, *, longest_ms: int | None = None) -> str | None:
    """Wait for one lead's lock, up to `longest_ms` or the session's lock_timeout. Returns its status then.

    None: no such lead. The transaction is aborted if the lock was not free in time.
    """
    with connection.cursor() as cursor:
        if longest_ms is not None:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{longest_ms}ms"])
        cursor.execute(WAIT_FOR_LEAD, [lead_id])
        row: tuple[str] | None = cursor.fetchone()
        if longest_ms is not None:
            cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
    return row[0] if row else None


WAIT_TO_CLOSE: Final = """
SELECT status, attempts, next_attempt_at, due_reason, paused_at IS NOT NULL, is_partly_sold
FROM routing_lead WHERE id = %s FOR NO KEY UPDATE
"""


class LeadToClose(NamedTuple):
    """What others may have changed on a lead since its attempt was rolled back."""

    status: str
    attempts: int
    next_attempt_at: datetime | None
    due_reason: str
    is_paused: bool  # the lead alone, not its workspace
    is_partly_sold: bool


def wait_to_close(lead_id: int, *, using: str) -> LeadToClose | None:
    """Wait for one lead's lock on another connection, up to its lock_timeout. None: no such lead."""
    with connections[using].cursor() as cursor:
        cursor.execute(WAIT_TO_CLOSE, [lead_id])
        row = cursor.fetchone()
    return None if row is None else LeadToClose(*row)
