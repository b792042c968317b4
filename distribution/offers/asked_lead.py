"""A lead that is not stored, in the form in which attempts read a locked one. Runs one statement, and locks nothing."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from distribution.attempts.promises import TERMS
from distribution.engine import Terms
from routing.intake.consent import has_proof
from routing.intake.parse import CleanLead
from routing.locks.attempts import IS_PRODUCT_PAUSED, LockedLead
from routing.models import LeadStatus, Source
from routing.values.contact import Contact

NOBODY: Final = UUID(int=0)
# No row of any table.
NO_LEAD: Final = 0

READ: Final = f"""
SELECT w.paused_at IS NOT NULL OR {IS_PRODUCT_PAUSED}, w.rules_version, w.hours::text, w.timezone,
    c.pays, c.amount
FROM routing_workspace w
JOIN routing_source s ON s.id = %(source_id)s
{TERMS}
WHERE w.id = %(workspace_id)s
"""  # noqa: S608 - only constants are put in


@dataclass(frozen=True, slots=True)
class AskedLead:
    """`terms`: what the contract of its source pays now. None: it has no contract in force."""

    lead: LockedLead
    terms: Terms | None


def read_asked(clean: CleanLead, *, source: Source, at: datetime) -> AskedLead:
    with connection.cursor() as cursor:
        cursor.execute(READ, {"source_id": source.pk, "workspace_id": source.workspace_id, "at": at})
        is_paused, rules_version, hours, timezone, pays, amount = cursor.fetchone()
    lead = replace(
        _as_locked(clean, source=source, at=at),
        is_paused=is_paused,
        rules_version=rules_version,
        workspace_hours=hours,
        workspace_timezone=timezone,
    )
    return AskedLead(lead, None if pays is None else Terms(pays, amount))


def _as_locked(clean: CleanLead, *, source: Source, at: datetime) -> LockedLead:
    """A pending lead that is due, at its first attempt. It has no identity, so it is no duplicate."""
    return LockedLead(
        **_read_fields(clean),
        id=NO_LEAD,
        public_id=NOBODY,
        workspace_id=source.workspace_id,
        source_workspace_id=source.workspace_id,
        source_id=source.pk,
        source=source.name,
        status=LeadStatus.PENDING,
        attempts=0,
        next_attempt_at=at,
        received_at=at,
        expires_at=at,
        locked_at=at,
        is_paused=False,
        resumed_at=None,
        conflicts=0,
        errors=0,
        max_errors=1,
        is_partly_sold=False,
        due_reason="",
        verification="asked",
        contact=Contact(),
        email_hash=None,
        phone_hash=None,
        rules_version=0,
        dispatch_mode="",
        workspace_hours=None,
        workspace_timezone="",
        intake_notes=(),
    )


def _read_fields(clean: CleanLead) -> dict[str, Any]:
    """As they are stored: a missing text is blank."""
    return {
        "vertical": clean.vertical,
        "zip": clean.zip,
        "country": clean.country,
        "city": clean.city or "",
        "county": clean.county or "",
        "state": clean.state or "",
        "attributes": clean.attributes,
        "consent": has_proof(clean.consent),
        "consents": (),
        "is_test": clean.is_test,
    }
