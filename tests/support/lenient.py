"""Reads leads as a lenient source's intake does."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from routing.intake.parse import CleanLead, LeadInvalid, parse_lead

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
MINIMAL = {"email": "a@example.com", "zip": "30312", "vertical": "solar"}
NEW_YORK = ZoneInfo("America/New_York")


def parse(payload: object, *, default_vertical: str | None = None) -> CleanLead:
    return parse_lead(payload, default_vertical=default_vertical, at=AT, zone=NEW_YORK)


def refuse(payload: object) -> dict[str, list[str]]:
    with pytest.raises(LeadInvalid) as caught:
        parse(payload)
    return {path: [error.code for error in errors] for path, errors in caught.value.errors.items()}


def corrections_of(lead: CleanLead) -> list[tuple[str, str, Any]]:
    return [(each.field, each.code, each.received) for each in lead.corrections]
