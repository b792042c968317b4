"""A lead that its buyers returned: its status, its next sale, and other leads of the same person."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.explain.lead import explain
from distribution.models import Assignment, Campaign, Enrollment
from distribution.verify import run_verification
from routing.leads.actions import ActionRefused, LeadFinished, cancel_sent_lead, rerun_lead
from routing.models import Lead
from tests.functional.verify.world import broken
from tests.support.admin_pages import client_of, page
from tests.support.admin_pages import person as user
from tests.support.assigning import assign_by_hand
from tests.support.explanations import to_text
from tests.support.factories import CampaignFactory, LeadFactory, SourceFactory, enroll, issue_key, person
from tests.support.returning import return_assignment

pytestmark = pytest.mark.usefixtures("committed_db")

ANN = person("ann@example.com", "+14045550123")


def agency(*, buyers: int = 1, **fields: Any) -> Campaign:
    campaign = CampaignFactory(**fields)
    enroll(campaign, count=buyers, credits_cents=100_000)
    return campaign


def came(campaign: Campaign, minutes: int = 0, **fields: Any) -> Lead:
    source = campaign.workspace.sources.first() or SourceFactory(workspace=campaign.workspace)
    at = timezone.now() - timedelta(hours=3) + timedelta(minutes=5 * minutes)
    return LeadFactory(source=source, received_at=at, **{**ANN, **fields})


def sell(lead: Lead) -> str:
    return distribute_lead(lead.pk).result


def give_back(lead: Lead) -> None:
    for sale in Assignment.objects.filter(lead=lead, state="sold"):
        return_assignment(sale.public_id, actor="ann", reason="wrong number")


def run_again(lead: Lead) -> str:
    rerun_lead(lead.pk, at=timezone.now())
    return sell(lead)


def status(lead: Lead) -> str:
    return Lead.objects.values_list("status", flat=True).get(pk=lead.pk)


def returned_lead(campaign: Campaign) -> Lead:
    lead = came(campaign)
    assert sell(lead) == "success"
    give_back(lead)
    return lead


def test_lead_without_a_buyer_is_returned() -> None:
    lead = returned_lead(agency())

    lead.refresh_from_db()
    assert (lead.status, lead.next_attempt_at) == ("returned", None)
    assert lead.finished_at == Assignment.objects.get().returned_at
    assert broken(run_verification()) == {}


def test_lead_that_another_buyer_keeps_is_still_sold() -> None:
    campaign = agency(buyers=2, max_buyers=2)
    lead = came(campaign)
    assert sell(lead) == "success"

    return_assignment(Assignment.objects.earliest("id").public_id, actor="ann", reason="wrong number")

    assert status(lead) == "distributed"
    assert broken(run_verification()) == {}


def test_second_lead_of_the_person_is_sold() -> None:
    campaign = agency()
    returned_lead(campaign)

    assert sell(came(campaign, 1)) == "success"


def test_returned_lead_is_sold_only_to_other_buyers() -> None:
    campaign = agency(buyers=2)
    lead = returned_lead(campaign)
    first = Assignment.objects.get()

    assert run_again(lead) == "success"

    assert status(lead) == "distributed"
    assert Assignment.objects.get(state="sold").buyer_id != first.buyer_id
    give_back(lead)
    assert run_again(lead) == "unsold"
    assert status(lead) == "failed"
    assert "it bought this lead before" in to_text(explain(Lead.objects.get(pk=lead.pk)), width=200)
    assert broken(run_verification()) == {}


def test_returned_lead_is_not_assigned_to_the_returning_buyer() -> None:
    campaign = agency(buyers=2)
    lead = returned_lead(campaign)
    had = Enrollment.objects.get(buyer=Assignment.objects.get().buyer)
    other = Enrollment.objects.exclude(pk=had.pk).get()

    with pytest.raises(ActionRefused, match="it bought this lead before"):
        assign_by_hand(lead.pk, enrollment_id=had.pk)
    assign_by_hand(lead.pk, enrollment_id=other.pk)

    assert status(lead) == "distributed"
    assert broken(run_verification()) == {}


def test_returned_lead_run_again_after_its_copy_was_sold_is_a_duplicate() -> None:
    campaign = agency(buyers=2)
    lead = returned_lead(campaign)
    assert sell(came(campaign, 1)) == "success"

    assert run_again(lead) == "duplicate"


def test_returned_lead_is_not_canceled() -> None:
    lead = returned_lead(agency())

    with pytest.raises(LeadFinished, match="returned"):
        cancel_sent_lead(lead.public_id, source_id=lead.source_id)


def test_sender_reads_the_return() -> None:
    lead = returned_lead(agency())

    answer = (
        Client()
        .get(
            f"/api/v1/leads/{lead.public_id}/",
            headers={"Authorization": f"Api-Key {issue_key(lead.source)}"},
        )
        .json()
    )

    assert (answer["status"], answer["buyers"]) == ("returned", 0)


def test_pages_say_returned() -> None:
    lead = returned_lead(agency())
    client = client_of(user("admin"))

    rows = client.get(page(Lead, "changelist")).content.decode()
    story = client.get(page(Lead, "change", lead.pk)).content.decode()

    assert "returned by its buyers" in rows
    assert "returned by its buyers" in story
    assert reverse("admin:routing_lead_act", args=["rerun"]) in story
    assert "Assign to a buyer" in story


def test_explanation_says_that_the_buyer_returned_it() -> None:
    lead = returned_lead(agency())
    sale = Assignment.objects.get()

    answer = explain(Lead.objects.get(pk=lead.pk), buyer=sale.buyer).answer

    assert answer is not None
    sentence = answer.sentence
    assert sentence.startswith(f"{sale.buyer.name} returned this lead. Sold to {sale.buyer.name} for $25.00")
    assert " Returned at " in sentence


class TestChain:
    def test_linked_identities_stay_linked(self) -> None:
        """The second lead links b@ to the phone of the first lead, which was sold."""
        campaign = agency()
        people = [
            ("a@example.com", "+14045550123"),
            ("b@example.com", "+14045550123"),
            ("b@example.com", None),
        ]
        leads = [came(campaign, number, **person(*each)) for number, each in enumerate(people)]

        assert [sell(lead) for lead in leads] == ["success", "duplicate", "duplicate"]
        assert Assignment.objects.count() == 1

    def test_chain_is_followed_over_many_leads(self) -> None:
        campaign = agency()
        letters = "abcdefgh"
        people: list[tuple[str, str | None]] = [("a@example.com", "+14045550100")]
        for number, letter in enumerate(letters[1:], start=1):
            people += [
                (f"{letter}@example.com", f"+1404555010{number - 1}"),
                (f"{letter}@example.com", f"+1404555010{number}"),
            ]
        leads = [came(campaign, number, **person(*each)) for number, each in enumerate(people)]

        assert [sell(lead) for lead in leads] == ["success"] + ["duplicate"] * (len(leads) - 1)

    def test_returned_lead_links_its_e_mail_to_its_phone(self) -> None:
        campaign = agency(buyers=3)
        returned_lead(campaign)
        by_email = came(campaign, 1, **person("ann@example.com"))
        by_phone = came(campaign, 2, **person(None, "+14045550123"))

        assert [sell(by_email), sell(by_phone)] == ["success", "duplicate"]

    def test_failed_lead_links_nothing(self) -> None:
        campaign = agency()
        failed = came(campaign)
        Lead.objects.filter(pk=failed.pk).update(
            status="failed", next_attempt_at=None, finished_at=timezone.now()
        )

        leads = [
            came(campaign, 1, **person("ann@example.com")),
            came(campaign, 2, **person(None, "+14045550123")),
        ]

        assert [sell(lead) for lead in leads] == ["success", "success"]

    def test_chain_ends_at_the_look_back_of_the_sold_lead(self) -> None:
        campaign = agency()
        first = came(campaign, **person("a@example.com", "+14045550123"))
        assert sell(first) == "success"
        assert sell(came(campaign, 1, **person("b@example.com", "+14045550123"))) == "duplicate"
        Lead.objects.filter(pk=first.pk).update(received_at=first.received_at - timedelta(days=40))

        assert sell(came(campaign, 2, **person("b@example.com"))) == "success"
