"""The explanation of a lead, alike as JSON and as text. test_why_not_this_buyer.py asks about one buyer."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from distribution.explain.lead import explain
from distribution.explain.types import Explanation, to_json
from distribution.models import Assignment, Buyer
from routing.models import Lead
from tests.support.distributed import MONDAY, distributed, lead_for, rerun
from tests.support.explanations import to_text
from tests.support.factories import (
    BuyerFactory,
    CampaignFactory,
    EnrollmentFactory,
    LeadFactory,
    WorkspaceFactory,
    enroll,
)
from tests.support.planting import plant
from tests.support.returning import return_assignment
from tracing.models import LeadDistributionEvent
from tracing.queries import read_attempts

pytestmark = pytest.mark.django_db


def uncovered_lead() -> Lead:
    """Eight buyers, none of which covers 30312. The last one fails three gates."""
    campaign = CampaignFactory(name="Roofing Atlanta")
    enroll(campaign, count=7, buyer__service_area={"states": ["NY"]})
    EnrollmentFactory(
        campaign=campaign,
        buyer__name="Acme Roofing",
        buyer__service_area={"radius": [{"zip": "10001", "miles": 25}]},
        buyer__hours={"tue": [["09:00", "17:00"]]},
    )
    lead = lead_for(campaign, received_at=MONDAY)
    return distributed(lead, at=MONDAY)


def test_lead_without_coverage_says_so_in_one_sentence() -> None:
    explanation = explain(uncovered_lead())

    (attempt,) = explanation.attempts
    assert [step.sentence for step in attempt.steps] == [
        "Started as attempt 1 (first attempt).",
        "Taken by the campaign Roofing Atlanta, configuration 10.",
        "The price is $25.00.",
        "8 buyers enrolled, 0 cover 30312.",
        "Not sold: No enrolled buyer could take this lead. The last remaining buyer dropped out: "
        "outside its service area. Someone must act: the agency can fix it.",
    ]
    assert explanation.lead.status == "failed"
    assert (explanation.lead.reason, explanation.lead.fixer) == ("no_eligible_buyers", "agency")
    assert explanation.lead.campaign is not None
    assert explanation.lead.campaign.name == "Roofing Atlanta"
    assert [stage.remaining for stage in attempt.funnel] == [8, 8, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    assert len(attempt.buyers) == 8
    assert explanation.notes == ()


def test_buyer_row_lists_every_failed_gate() -> None:
    explanation = explain(uncovered_lead())

    row = explanation.attempts[0].buyers[-1]
    assert row.buyer.name == "Acme Roofing"
    assert row.reason == "outside_service_area"
    assert [gate.gate for gate in row.gates] == [
        "outside_service_area",
        "outside_buyer_hours",
        "insufficient_credits",
    ]
    assert row.gates[0].finding.endswith(
        "the lead is in 30312, Fulton County, GA, 722.4 miles beyond the edge"
    )
    assert (
        row.gates[1].change
        == "wait until it opens at 2026-08-04 13:00 UTC (09:00 America/New_York), or widen its hours"
    )
    assert row.gates[2].change == "top up $25.00"
    assert row.change == "; ".join(gate.change for gate in row.gates)


def test_sold_lead_names_its_buyer_and_price() -> None:
    campaign = CampaignFactory()
    EnrollmentFactory(campaign=campaign, buyer__name="Acme Roofing", buyer__credits_cents=10_000)
    EnrollmentFactory(campaign=campaign, buyer__name="Poor Roofing", buyer__credits_cents=1_000)
    explanation = explain(distributed(lead_for(campaign)))

    assert [sale.buyer.name for sale in explanation.sales] == ["Acme Roofing"]
    assert [row.sentence for row in explanation.attempts[0].buyers] == [
        "Poor Roofing: its balance is too low: the price is $25.00, and only $10.00 is available.",
        "Acme Roofing: selected, rank 1, for $25.00.",
    ]
    assert explanation.attempts[0].buyers[0].change == "top up $15.00"
    assert explanation.attempts[0].steps[-1].sentence == "Sold to 1 buyer for $25.00."


def test_deferred_lead_names_the_cause_of_its_wait() -> None:
    """A wallet emptied the pool, but the lead waits for the buyer whose hours begin."""
    campaign = CampaignFactory()
    EnrollmentFactory(campaign=campaign)
    sleeper = {"tue": [["09:00", "17:00"]]}
    EnrollmentFactory(campaign=campaign, buyer__credits_cents=10_000, buyer__hours=sleeper)
    explanation = explain(distributed(lead_for(campaign, received_at=MONDAY), at=MONDAY))

    assert (explanation.lead.status, explanation.lead.reason) == ("pending", "insufficient_credits")
    assert (
        explanation.lead.due_sentence
        == "Then the first buyer that is outside its hours or at a cap is available again."
    )
    assert explanation.attempts[0].steps[-1].sentence == (
        "Not sold now: No remaining buyer has enough credits. The last remaining buyer dropped out: "
        "its balance is too low. Due again at 2026-08-04 13:00:00 UTC, when the first buyer that is outside its "
        "hours or at a cap is available again."
    )


def test_due_time_has_its_reason() -> None:
    def sentence(**fields: Any) -> str:
        return explain(LeadFactory(**fields)).lead.due_sentence

    now = timezone.now()
    assert sentence(due_reason="ingest") == "The first attempt."
    assert sentence(due_reason="manual", attempts=1) == "An operator requested a re-run."
    assert sentence(due_reason="all_buyers_capped", attempts=1, next_attempt_at=now, expires_at=now) == (
        "The lead expires at that time."
    )
    assert (
        sentence(due_reason="tier_lock_contention", attempts=1)
        == "All eligible buyers were busy with other leads."
    )
    assert sentence(status="failed", next_attempt_at=None, finished_at=now) == ""


def test_returned_lead_says_so() -> None:
    campaign = CampaignFactory()
    enrollment = EnrollmentFactory(campaign=campaign, buyer__credits_cents=10_000)
    lead = distributed(lead_for(campaign))
    return_assignment(Assignment.objects.get().public_id, actor="test", reason="wrong number")

    explanation = explain(lead, buyer=enrollment.buyer)

    assert explanation.sales[0].state == "returned"
    assert "; the charge was refunded." in explanation.sales[0].sentence
    assert explanation.answer is not None
    assert not explanation.answer.got_it
    assert (
        explanation.answer.sentence
        == f"{enrollment.buyer.name} returned this lead. {explanation.sales[0].sentence}"
    )


class TestNotes:
    def test_attempt_whose_trace_was_lost(self) -> None:
        campaign = CampaignFactory()
        lead = distributed(lead_for(campaign))
        Lead.objects.filter(pk=lead.pk).update(attempts=2)
        lead.refresh_from_db()

        assert explain(lead).notes == (
            "1 attempt without a trace, because the trace could not be written: 2.",
        )

    def test_lead_without_attempts_is_noted(self) -> None:
        assert explain(LeadFactory()).notes == ("No attempt has been made yet.",)

    def test_paused_workspace_is_noted(self) -> None:
        lead = LeadFactory(source__workspace=WorkspaceFactory(paused_at=MONDAY))

        assert explain(lead).notes[0] == (
            "The workspace has been paused since 2026-08-03 22:30:00 UTC: nothing is distributed until it is resumed."
        )

    def test_hidden_attempts_are_counted(self) -> None:
        lead = with_attempts(4)
        explanation = explain(lead, latest=2)

        assert [attempt.number for attempt in explanation.attempts] == [3, 4]
        assert explanation.notes == ("2 earlier attempts not shown.",)


def with_attempts(count: int, *, buyers: int = 1) -> Lead:
    campaign = CampaignFactory()
    enroll(campaign, count=buyers)
    lead = lead_for(campaign)
    for _ in range(count):
        rerun(lead)
        lead = distributed(lead)
    return lead


def test_buyer_removed_from_the_workspace_is_not_named() -> None:
    campaign = CampaignFactory(name="Secret campaign")
    EnrollmentFactory(campaign=campaign, buyer__name="Secret buyer", buyer__credits_cents=10_000)
    lead = distributed(lead_for(campaign))
    elsewhere = WorkspaceFactory()
    plant("UPDATE distribution_buyer SET workspace_id = %s", [elsewhere.pk])
    plant("UPDATE distribution_campaign SET workspace_id = %s", [elsewhere.pk])

    explanation = explain(lead)

    assert "Secret" not in to_text(explanation)
    assert explanation.attempts[0].buyers[0].buyer.public_id is None
    assert explanation.attempts[0].buyers[0].sentence == (
        "a buyer that is not in this workspace: selected, rank 1, for $25.00."
    )


def test_trace_of_a_newer_version_is_shown() -> None:
    lead = uncovered_lead()
    attempt = read_attempts(lead.pk)[0].attempt
    LeadDistributionEvent.objects.create(
        lead_id=lead.pk, attempt_id=attempt.pk, seq=99, event="beamed_up", data={"gates": 5}
    )

    assert explain(lead).attempts[0].steps[-1].sentence == "beamed_up."


@pytest.mark.parametrize("attempts", [1, 5])
@pytest.mark.parametrize("buyers", [1, 20])
def test_explanation_costs_the_same_statements_at_any_length(
    attempts: int, buyers: int, django_assert_num_queries: Callable[[int], Any]
) -> None:
    lead = with_attempts(attempts, buyers=buyers)
    buyer = Buyer.objects.first()

    with django_assert_num_queries(2):
        read_attempts(lead.pk)
    with django_assert_num_queries(5):
        explain(lead)
    with django_assert_num_queries(6):
        explain(lead, buyer=buyer)


def explanations() -> Iterator[Explanation]:
    lead = uncovered_lead()
    yield explain(lead)
    yield explain(lead, buyer=Buyer.objects.get(name="Acme Roofing"))
    yield explain(lead, buyer=BuyerFactory(workspace=lead.workspace))
    yield explain(LeadFactory())
    campaign = CampaignFactory(max_buyers=2)
    enroll(campaign, count=3, credits_cents=10_000)
    yield explain(distributed(lead_for(campaign)))
    sleeping = CampaignFactory()
    enroll(sleeping, count=2, credits_cents=10_000, buyer__hours={"tue": [["09:00", "17:00"]]})
    yield explain(distributed(lead_for(sleeping, received_at=MONDAY), at=MONDAY))


def test_text_has_every_fact_of_the_json() -> None:
    for explanation in explanations():
        document, text = to_json(explanation), " ".join(to_text(explanation).split())
        facts = list(facts_of(document))
        assert len(facts) > 5
        assert [fact for fact in facts if fact not in text] == []


def facts_of(document: Any) -> Iterator[str]:
    """The values of the JSON as text, with times as the text writes them. Codes appear as their sentences."""
    if isinstance(document, list):
        for each in document:
            yield from facts_of(each)
    elif isinstance(document, dict):
        has_gates = len(document.get("gates", ())) > 1
        for key, value in document.items():
            if (
                key in {"sentence", "headline", "name", "reason_sentence", "due_sentence", "status_sentence"}
                or key == "finding"
                or (key == "change" and not has_gates)
            ):
                yield value
            elif key in {"received_at", "due_at", "finished_at"} and value and "status" in document:
                yield f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M:%S} UTC"
            elif isinstance(value, dict | list) and key != "required" and key != "observed":
                yield from facts_of(value)


def test_text_stays_within_its_width() -> None:
    for explanation in explanations():
        for width in (60, 80, 100):
            assert max(len(line) for line in to_text(explanation, width=width).splitlines()) <= width


def test_json_has_no_internal_id() -> None:
    """Row ids are numbers. Outside, ids are UUIDs."""
    explanation = to_json(explain(uncovered_lead()))
    keys = set(keys_of(explanation))

    assert not {"lead_id", "buyer_id", "campaign_id", "workspace_id", "enrollment_id", "public_id"} & keys
    assert all(
        isinstance(each, str | None) and (each is None or UUID(each)) for each in values_of(explanation, "id")
    )


def values_of(document: Any, name: str) -> Iterator[Any]:
    inner = (
        document if isinstance(document, list) else document.values() if isinstance(document, dict) else ()
    )
    if isinstance(document, dict) and name in document:
        yield document[name]
    for each in inner:
        yield from values_of(each, name)


def keys_of(document: Any) -> Iterator[str]:
    if isinstance(document, list):
        for each in document:
            yield from keys_of(each)
    elif isinstance(document, dict):
        for key, value in document.items():
            yield key
            yield from keys_of(value)
