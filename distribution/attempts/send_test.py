"""Sends a test lead that an operator filled in, and decides it at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from distribution.attempts.distribute import decide_within
from distribution.attempts.outcome import AttemptOutcome
from routing.calendar.zones import load_zone
from routing.intake.parse import parse_lead
from routing.intake.store import StoredLead, store_lead
from routing.models import Lead, Source
from tracing import audit

CHANNEL: Final = "admin"
SECONDS: Final = 5.0
# It reaches no person: example.com is reserved, and so are the numbers 555-0100 to 555-0199.
SAFE_DATA: Final[Mapping[str, str]] = {
    "zip": "30312",
    "first_name": "Test",
    "last_name": "Lead",
    "email": "test.lead@example.com",
    "phone": "+1 404 555 0143",
}


@dataclass(frozen=True, slots=True)
class SentTest:
    """The outcome has no result if the lead is still due: a worker decides it later."""

    stored: StoredLead
    outcome: AttemptOutcome


def send_test_lead(payload: Mapping[str, Any], *, source: Source, actor: str, at: datetime) -> SentTest:
    """Store a test lead of this source, with an audit entry, and decide it. Needs no open transaction.

    Raises LeadInvalid, TestLimitReached, ExternalIdRepeated.
    """
    lead = parse_lead(
        payload,
        default_vertical=source.default_vertical,
        at=at,
        zone=load_zone(source.workspace.timezone),
        is_test=True,
    )
    with transaction.atomic(durable=True):
        stored = store_lead(lead, source=source, channel=CHANNEL)
        row = Lead.objects.get(pk=stored.lead_id)
        audit.record(actor=actor, action="sent as a test", target=row, workspace_id=source.workspace_id)
    return SentTest(stored, decide_within(stored.lead_id, seconds=SECONDS))
