"""Stores clean leads as pending and due now, then enqueues them.

One INSERT stores one lead or a thousand, so no transaction is needed without an idempotency key. Leads are enqueued
after the commit. A failure to enqueue never fails the intake: the lead is found in the database later.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db import DatabaseError, OperationalError, connection
from uuid6 import uuid7

from routing.after_commit import after_commit_try
from routing.dispatch.enqueue import enqueue_after_commit
from routing.intake.consent import Consent
from routing.intake.corrections import write_notes
from routing.intake.daily_limit import reserve_test_leads
from routing.intake.identity import NO_PERSON, identify
from routing.intake.parse import CleanLead
from routing.metrics.intake import LEADS_RECEIVED, TEST_LEADS_RECEIVED
from routing.models import Source
from routing.postgres_errors import is_outage
from routing.queries import DueTime

logger = logging.getLogger(__name__)

TEXT_COLUMNS: Final = (
    "external_id",
    "first_name",
    "last_name",
    "email",
    "phone",
    "address",
    "zip",
    "city",
    "county",
    "state",
    "country",
    "vertical",
    "phone_extension",
)
DUE_REASON: Final = "ingest"

# Unless a time is given, the database's clock counts: the lead must be due for workers on every machine immediately.
# A repeated external_id is skipped instead of failing, so that the other leads of a batch are stored. A batch waits for
# another that stores the same external_id, so all batches insert in one order to avoid a deadlock. Ids follow the order
# of the batch: of two leads of one person, the one listed first is the first lead.
INSERT: Final = f"""
INSERT INTO routing_lead (
    id, public_id, {", ".join(TEXT_COLUMNS)}, email_hash, phone_hash, attributes, consent, intake_notes,
    workspace_id, source_workspace_id, source_id, is_test, ping_id,
    status, skip_reason, attempts, next_attempt_at, due_reason, received_at, expires_at
)
SELECT id, public_id, {", ".join(TEXT_COLUMNS)}, email_hash, phone_hash, attributes, consent, intake_notes,
    %(workspace_id)s, %(workspace_id)s, %(source_id)s, is_test, ping_id,
    'pending', '', 0, received.at, '{DUE_REASON}', COALESCE(incoming.received_at, received.at),
    COALESCE(incoming.received_at, received.at) + make_interval(days => %(ttl_days)s)
FROM (
    SELECT nextval('routing_lead_id_seq') AS id, *
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS row(
        public_id uuid, {", ".join(f"{name} text" for name in TEXT_COLUMNS)}, email_hash text, phone_hash text,
        attributes jsonb, consent jsonb, intake_notes jsonb, received_at timestamptz, is_test boolean, ping_id bigint
    )
) AS incoming, (SELECT COALESCE(%(at)s::timestamptz, clock_timestamp()) AS at) AS received
ORDER BY external_id, id
ON CONFLICT (source_id, external_id) WHERE external_id <> '' DO NOTHING
RETURNING id, public_id, received_at, next_attempt_at
"""  # noqa: S608 - only constant column names are put in

FIND_EXISTING: Final = """
SELECT external_id, public_id FROM routing_lead
WHERE source_id = %s AND external_id = ANY(%s) AND external_id <> ''
"""


@dataclass(frozen=True, slots=True)
class StoredLead:
    """A lead that was stored by this call."""

    lead_id: int
    public_id: UUID
    received_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class AlreadyReceived:
    """The source already sent this external_id. `public_id` is that lead, or None if it could not be read."""

    public_id: UUID | None


@dataclass(frozen=True, slots=True)
class OverTestLimit:
    """A test lead that was not stored: its source already sent as many today as it may."""


Stored = StoredLead | AlreadyReceived | OverTestLimit


class TestLimitReached(Exception):
    """The test lead was not stored: its source already sent as many today as it may."""


class ExternalIdRepeated(Exception):
    """The lead was not stored, because the source already sent one with this external_id."""

    def __init__(self, public_id: UUID | None) -> None:
        super().__init__(f"already stored as lead {public_id}")
        self.public_id = public_id


class PingUsedMeanwhile(Exception):
    """The lead was not stored: another request with the same ping stored its lead first."""


class LeadNotStored(Exception):
    """The database rejected a lead. Contains no text of the database's error, which repeats the row."""


def store_lead(
    lead: CleanLead, *, source: Source, channel: str, at: datetime | None = None, is_woken: bool = True
) -> StoredLead:
    """Store one lead. Raises ExternalIdRepeated, TestLimitReached. With `at` None, the database's clock counts.

    With `is_woken` False, the caller must have the lead decided.
    """
    (stored,) = store_leads([lead], source=source, channel=channel, at=at, is_woken=is_woken)
    if isinstance(stored, AlreadyReceived):
        raise ExternalIdRepeated(stored.public_id)
    if isinstance(stored, OverTestLimit):
        raise TestLimitReached
    return stored


def store_leads(
    leads: Sequence[CleanLead],
    *,
    source: Source,
    channel: str,
    at: datetime | None = None,
    is_woken: bool = True,
) -> list[Stored]:
    """Store leads in one statement and return a result for each, in order. `source.workspace` should be loaded.

    Of several leads with one external_id, the first is stored. Test leads are stored up to the daily limit.
    """
    if not leads:
        return []
    allowed = reserve_test_leads(sum(lead.is_test for lead in leads), source_id=source.pk)
    all_rows = [_row(lead) for lead in leads]
    over = {row["public_id"] for row in [row for row in all_rows if row["is_test"]][allowed:]}
    rows = [row for row in all_rows if row["public_id"] not in over]
    stored = {each.public_id: each for each in _insert(rows, source=source, at=at)}
    existing: Mapping[str, UUID] = {}
    if len(stored) < len(rows):
        left_out = [row["external_id"] for row in rows if row["public_id"] not in stored]
        find = partial(find_existing, left_out, source=source)
        # Some leads of the batch are already committed, so the sender must get an answer even if this fails.
        existing = (after_commit_try("existing", find) or {}) if stored else find()
    tests = sum(row["is_test"] for row in rows if row["public_id"] in stored)
    LEADS_RECEIVED.labels(channel=channel).inc(len(stored) - tests)
    TEST_LEADS_RECEIVED.labels(channel=channel).inc(tests)
    if is_woken:
        workspace, remaining = source.workspace, None if at else timedelta(0)
        enqueue_after_commit(
            [
                DueTime(each.lead_id, workspace.pk, workspace.dispatch_mode, each.due_at, remaining)
                for each in stored.values()
            ]
        )
    return [
        OverTestLimit()
        if row["public_id"] in over
        else stored.get(row["public_id"]) or AlreadyReceived(existing.get(row["external_id"]))
        for row in all_rows
    ]


def _row(lead: CleanLead) -> dict[str, Any]:
    # A test lead makes no other lead a duplicate and is none.
    identity = NO_PERSON if lead.is_test else identify(email=lead.email, phone=lead.phone)
    row: dict[str, Any] = {name: getattr(lead, name) or "" for name in TEXT_COLUMNS}
    row["public_id"] = uuid7()
    row["email_hash"], row["phone_hash"] = identity
    row["attributes"] = lead.attributes
    row["consent"] = _consent(lead.consent)
    row["received_at"] = lead.received_at
    row["is_test"] = lead.is_test
    row["ping_id"] = lead.ping_id
    row["intake_notes"] = write_notes(lead.corrections)
    return row


def _consent(consent: Consent | None) -> dict[str, Any]:
    if consent is None:
        return {}
    proof = {name: value for name, value in asdict(consent).items() if value is not None}
    if consent.given_at is not None:
        proof["given_at"] = consent.given_at.isoformat()
    return proof


def _insert(rows: Sequence[Mapping[str, Any]], *, source: Source, at: datetime | None) -> list[StoredLead]:
    parameters: dict[str, Any] = {
        "rows": json.dumps(rows, default=str),
        "workspace_id": source.workspace_id,
        "source_id": source.pk,
        "ttl_days": source.workspace.lead_ttl_days,
        "at": at,
    }
    try:
        with connection.cursor() as cursor:
            cursor.execute(INSERT, parameters)
            return [StoredLead(*row) for row in cursor.fetchall()]
    except DatabaseError as error:
        if isinstance(error, OperationalError) or is_outage(error):
            raise
        # Its message can contain the whole row, so only its codes are used.
        diagnosis = getattr(error.__cause__, "diag", None)
        sqlstate, constraint = (
            getattr(diagnosis, "sqlstate", None),
            getattr(diagnosis, "constraint_name", None),
        )
        if constraint == "lead_ping_used_once":
            raise PingUsedMeanwhile from None
        message = f"{type(error).__name__} {sqlstate} {constraint}"
        raise LeadNotStored(message) from None


def find_existing(external_ids: Sequence[str], *, source: Source) -> dict[str, UUID]:
    """Return the ids that the source already sent, with the public ids of their leads."""
    with connection.cursor() as cursor:
        cursor.execute(FIND_EXISTING, [source.pk, list(external_ids)])
        return dict(cursor.fetchall())
