"""A stored definition that reads personal data: the engine decides without it, and the trace contains none of it."""

import json
from typing import Any

import pytest

from distribution.attempts.distribute import distribute_lead
from distribution.verify import run_verification
from tests.support.factories import CampaignFactory, LeadFactory, enroll
from tracing.models import Attempt, LeadDistributionEvent

ADA = {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com", "phone": "+14048812345"}
STREET = "12 Peachtree Street NE"
ATTRIBUTES = {
    "contact_email": "ada@example.com",
    "full_name": "Ada Lovelace",
    "note": "call 404-881-2345",
    "roof_age": 12,
    "callback": 4048812345,
    "who": "LOVELACE (Ada)",
    "where": "12 Peachtree",
}


def decide(lead_filter: Any) -> str:
    """Everything in the trace of the attempt, as text."""
    campaign = CampaignFactory()
    enroll(campaign, count=1, credits_cents=10_000, lead_filter=lead_filter)
    lead = LeadFactory(source__workspace=campaign.workspace, attributes=ATTRIBUTES, address=STREET, **ADA)
    distribute_lead(lead.pk)
    rows = [
        *Attempt.objects.values_list("facts", flat=True),
        *LeadDistributionEvent.objects.values_list("data", flat=True),
    ]
    return json.dumps(rows)


READS = {"all": [{"field": "attributes.roof_age", "op": "gte", "value": 10}]}


def reading(*names: str) -> Any:
    """A filter that names these attributes, most with a value that no lead has."""
    leaves = [{"field": f"attributes.{name}", "op": "ne", "value": "x"} for name in names]
    return {"all": [*leaves, *READS["all"], {"field": "attributes.none", "op": "exists"}]}


@pytest.mark.usefixtures("committed_db")
def test_trace_has_no_personal_attribute() -> None:
    trace = decide(reading("contact_email", "full_name", "note", "callback", "who", "where"))
    assert "(hidden)" in trace
    named = ("lovelace", "example.com", "881-2345", "8812345", "peachtree")
    assert [text for text in named if text in trace.casefold()] == []
    results = {invariant.name: findings for invariant, findings in run_verification().results}
    assert [name for name, findings in results.items() if findings.breaches] == []
    assert results["replay"].checked == 1


@pytest.mark.usefixtures("committed_db")
def test_without_hiding_verify_finds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control, with an attribute whose name does not reveal it, and a name in another order."""
    monkeypatch.setattr("distribution.attempts.live_facts.hide_contact", lambda _name, value, _contact: value)
    monkeypatch.setitem(ATTRIBUTES, "remark", "Lovelace, Ada")
    decide(reading("remark"))
    results = {invariant.name: findings for invariant, findings in run_verification().results}
    assert {each.message for each in results["privacy"].examples} == {
        "lead.fields.attributes.remark holds the name of the lead"
    }
