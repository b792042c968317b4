"""`GET /api/v1/leads/{id}/explanation/`: a lead's outcome and what its sender can change, without the buyers."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import Buyer, Enrollment
from routing.api import explanationdocuments as documents
from routing.leads.actions import cancel_sent_lead, pause_lead
from routing.leads.explanation import ADVICE, TRIGGERS
from routing.models import Lead, Source, Workspace
from tests.browser.scene import only_in_two_days
from tests.support.described import assert_described
from tests.support.factories import (
    CampaignFactory,
    LeadFactory,
    RuleFactory,
    SourceFactory,
    enroll,
    issue_key,
    person,
)
from tracing.models import AttemptTrigger
from tracing.skip_reasons import SKIP_REASONS, Level

pytestmark = pytest.mark.django_db

ROOF = {"field": "attributes.roof_age", "op": "gte", "value": 10}
CONSENT = {"field": "consent", "op": "eq", "value": True}


@pytest.fixture
def source() -> Source:
    """Its workspace sells roofing leads to two buyers in Atlanta, at $25.00."""
    campaign = CampaignFactory()
    enroll(campaign, count=2, credits_cents=10_000, buyer__service_area={"zips": ["30312"]})
    source: Source = SourceFactory(workspace=campaign.workspace)
    return source


def get(lead: Lead, *, key: str = "", **parameters: object) -> Any:
    client = Client(headers={"Authorization": f"Api-Key {key or issue_key(lead.source)}"})
    return client.get(f"/api/v1/leads/{lead.public_id}/explanation/", parameters)


def explained(lead: Lead) -> dict[str, Any]:
    answer = get(lead)
    assert answer.status_code == 200, answer.content
    document: dict[str, Any] = answer.json()
    assert_described(document, documents.ExplanationAnswer())
    assert_no_buyer(answer.content.decode())
    return document


def assert_no_buyer(text: str) -> None:
    for buyer in Buyer.objects.all():
        assert buyer.name not in text
        assert str(buyer.public_id) not in text
    for secret in ("$", "cents", "roofing-", "cap_", ">=", "10,000"):
        assert secret not in text


def tried(source: Source, **lead: Any) -> Lead:
    made: Lead = LeadFactory(source=source, **lead)
    distribute_lead(made.pk)
    return made


def advice(document: dict[str, Any]) -> tuple[str, str]:
    return document["summary"], document["fixer"]


def test_sold_lead_is_explained(source: Source) -> None:
    document = explained(tried(source))
    assert (document["summary"], document["change"], document["fixer"]) == ("Sold to 1 buyer.", "", "")
    [attempt] = document["attempts"]
    assert attempt["sentence"].endswith(": sold.")
    assert attempt["started_at"].endswith("Z")


def test_untried_lead_is_explained(source: Source) -> None:
    document = explained(LeadFactory(source=source))
    assert advice(document) == ("The lead waits for its first attempt.", "time")
    assert document["attempts"] == []


def test_uncovered_place_is_explained(source: Source) -> None:
    document = explained(tried(source, zip="10001", state="NY", county="New York County", city="New York"))
    assert advice(document) == ("No buyer takes leads from 10001.", "sender")
    assert "send the lead again with the right one" in document["change"]


@pytest.mark.parametrize(
    ("condition", "field", "named"),
    [(ROOF, "attributes.roof_age", "roof_age"), (CONSENT, "consent", "consent")],
)
def test_missing_field_is_named(source: Source, condition: Any, field: str, named: str) -> None:
    Enrollment.objects.update(lead_filter=condition)
    document = explained(tried(source, attributes={}, consent={}))
    assert advice(document) == (f"No buyer takes this lead without {named}.", "sender")
    assert (
        document["change"] == f"Send the lead again with {named}. If you send an external_id, use a new one."
    )
    assert document["missing_fields"] == [field]


def test_filter_on_a_present_field_is_not_revealed(source: Source) -> None:
    Enrollment.objects.update(lead_filter=ROOF)
    document = explained(tried(source, attributes={"roof_age": 3}))
    assert advice(document) == ("No buyer could take this lead.", "operator")
    assert document["missing_fields"] == []
    assert "roof_age" not in str(document)


def test_field_that_would_not_help_is_not_requested(source: Source) -> None:
    """The buyer that needs the field does not cover the place either."""
    first, _ = Enrollment.objects.order_by("pk")
    Enrollment.objects.filter(pk=first.pk).update(lead_filter=ROOF)
    Buyer.objects.filter(pk=first.buyer_id).update(service_area={"zips": ["10001"]})
    Enrollment.objects.exclude(pk=first.pk).update(active=False)
    assert explained(tried(source, attributes={}))["missing_fields"] == []


def test_money_of_buyers_is_not_shown(source: Source) -> None:
    Enrollment.objects.update(budget_day_cents=1)
    document = explained(tried(source))
    assert document["fixer"] == "operator", "a budget below the price does not open with time"
    assert document["summary"].startswith("No buyer takes leads like this one right now.")


def test_closed_hours_show_the_opening_time(source: Source) -> None:
    Workspace.objects.update(hours=only_in_two_days())
    lead = tried(source)
    lead.refresh_from_db()
    document = explained(lead)
    assert document["summary"] == (
        f"Leads are not sold at this time of day. The next attempt is at {lead.next_attempt_at:%Y-%m-%d %H:%M:%S} UTC."
    )
    assert (document["fixer"], document["change"]) == ("time", "Wait: the lead is retried automatically.")
    assert document["next_attempt_at"] == f"{lead.next_attempt_at:%Y-%m-%dT%H:%M:%S}Z"


@pytest.mark.parametrize("reason", ["all_buyers_capped", "tier_lock_contention", "internal_error"])
def test_lead_that_is_not_retried_promises_no_retry(source: Source, reason: str) -> None:
    lead = LeadFactory(
        source=source,
        status="failed",
        skip_reason=reason,
        attempts=1,
        next_attempt_at=None,
        finished_at=timezone.now(),
    )
    document = explained(lead)
    assert (document["fixer"], document["change"]) == (
        "operator",
        "Ask the operator. The lead itself does not have to change.",
    )


def test_duplicate_names_only_a_first_lead_of_the_same_source(source: Source) -> None:
    earlier = timezone.now() - timedelta(minutes=5)
    first = tried(source, **person("ann@example.com"), received_at=earlier)
    own, sibling = (
        tried(each, **person("ann@example.com"))
        for each in (source, SourceFactory(workspace=source.workspace))
    )
    document = explained(own)
    assert advice(document) == ("A lead of the same person was received earlier.", "nobody")
    assert document["duplicate_of"] == str(first.public_id)
    document = explained(sibling)
    assert (document["status"], document["duplicate_of"]) == ("duplicate", None)
    assert str(first.public_id) not in str(document)


def test_claimed_paused_and_canceled_leads_are_explained(source: Source) -> None:
    lead = LeadFactory(source=source)
    Workspace.objects.update(paused_at=timezone.now())
    assert advice(explained(lead)) == ("Selling is paused.", "operator")
    pause_lead(lead.pk, at=timezone.now())
    assert advice(explained(lead)) == ("An operator paused the lead.", "operator")
    cancel_sent_lead(lead.public_id, source_id=source.pk, reason="asked twice")
    assert advice(explained(lead)) == ("Canceled: asked twice.", "nobody")


def test_routed_lead_does_not_reveal_its_destination(source: Source) -> None:
    """Neither why it failed there, nor the fields that workspace needs, nor whether it is paused."""
    partner = SourceFactory()
    RuleFactory(workspace=partner.workspace, destination=source.workspace, conditions={"all": []})
    Enrollment.objects.update(lead_filter=ROOF)
    lead = tried(partner, attributes={})
    lead.refresh_from_db()
    assert (lead.workspace, lead.skip_reason) == (source.workspace, "no_eligible_buyers_after_tier_filters")
    document = explained(lead)
    assert advice(document) == ("The lead was sent to a partner.", "nobody")
    assert (document["missing_fields"], document["attempts"][0]["reason"]) == ([], None)
    assert document["attempts"][0]["sentence"].endswith(": not sold.")


def test_foreign_and_unknown_leads_look_alike(source: Source) -> None:
    lead = tried(source)
    sibling = SourceFactory(workspace=source.workspace)
    foreign = get(lead, key=issue_key(sibling))
    unknown = get(LeadFactory.build(public_id=uuid4()), key=issue_key(source))
    assert (foreign.status_code, foreign.json()) == (unknown.status_code, unknown.json())
    assert foreign.status_code == 404


def test_latest_attempts_only_on_request(source: Source) -> None:
    Workspace.objects.update(hours=only_in_two_days())
    lead = tried(source)
    for _ in range(2):
        Lead.objects.update(next_attempt_at=timezone.now())
        distribute_lead(lead.pk)
    assert [each["number"] for each in explained(lead)["attempts"]] == [1, 2, 3]
    assert [each["number"] for each in get(lead, latest=2).json()["attempts"]] == [2, 3]
    assert get(lead, latest="many").status_code == 400


def test_explanation_takes_five_statements_for_any_number_of_attempts(source: Source) -> None:
    lead, key = tried(source), issue_key(source)
    with CaptureQueriesContext(connection) as queries:
        get(lead, key=key)
    assert len(queries) == 5


def test_every_reason_has_words_for_the_sender() -> None:
    """Otherwise a new reason would be explained as "no buyer could take it"."""
    codes = {code for code, reason in SKIP_REASONS.items() if Level.LEAD in reason.levels}
    assert set(ADVICE) == codes


def test_every_trigger_has_words_for_the_sender() -> None:
    assert set(TRIGGERS) == set(AttemptTrigger.values)


def test_example_is_a_valid_response() -> None:
    assert_described(documents.EXAMPLE.value, documents.ExplanationAnswer())
