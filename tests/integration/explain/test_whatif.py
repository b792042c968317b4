"""The required changes, from recorded attempts."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from distribution.attempts.distribute import distribute_lead
from distribution.explain.whatif import Remedy, what_would_help
from distribution.models import Buyer, Campaign, CampaignSnapshot, Enrollment
from routing.models import Lead
from tests.support.assigning import assign_by_hand
from tests.support.factories import BuyerFactory, CampaignFactory, EnrollmentFactory, LeadFactory
from tracing.models import Attempt

pytestmark = pytest.mark.usefixtures("committed_db")


def ask(lead: Lead, buyer: Buyer) -> Remedy:
    return what_would_help(lead, attempt=Attempt.objects.get(lead_id=lead.pk), buyer=buyer)


def distributed(campaign: Campaign) -> Lead:
    lead = LeadFactory(source__workspace=campaign.workspace)
    distribute_lead(lead.pk)
    return lead


def test_empty_wallet_and_paused_enrollment() -> None:
    enrollment = EnrollmentFactory(active=False, buyer__credits_cents=1_000)
    lead = distributed(enrollment.campaign)

    remedy = ask(lead, enrollment.buyer)

    name = enrollment.buyer.name
    assert [(fix.gate, fix.fixer, fix.change, fix.assumed) for fix in remedy.fixes] == [
        ("enrollment_paused", "agency", "resume the enrollment", "the enrollment active"),
        ("insufficient_credits", "buyer", "top up $15.00", "$15.00 more in its wallet"),
    ]
    assert (remedy.fixer, remedy.ending, remedy.is_confirmed) == ("agency", "selected", True)
    assert remedy.sentence == (
        f"With all of these changes, {name} would have gotten this lead for $25.00: rank 1 of 1."
    )
    assert (remedy.rank, remedy.ranked, remedy.price_cents, remedy.improvements) == (1, 1, 2_500, ())


def test_claim_holds_after_the_suggested_change() -> None:
    """After the suggested change, the next lead of the same kind goes to the buyer."""
    enrollment = EnrollmentFactory(buyer__service_area={"states": ["AL"]}, buyer__credits_cents=5_000)
    lead = distributed(enrollment.campaign)
    assert ask(lead, enrollment.buyer).is_confirmed

    enrollment.buyer.service_area = {"states": ["AL"], "zips": ["30312"]}
    enrollment.buyer.save(update_fields=["service_area"])

    again = distributed(enrollment.campaign)
    assert (
        ask(again, enrollment.buyer).sentence
        == f"{enrollment.buyer.name} passed every check and got this lead."
    )


def test_outranked_buyer_gets_no_fix() -> None:
    campaign = CampaignFactory(mode="priority")
    EnrollmentFactory(campaign=campaign, priority=4, buyer__credits_cents=5_000)
    second = EnrollmentFactory(campaign=campaign, priority=1, buyer__credits_cents=5_000)
    lead = distributed(campaign)

    remedy = ask(lead, second.buyer)

    assert (remedy.fixer, remedy.ending, remedy.is_confirmed) == ("outranked", "outranked", False)
    assert remedy.sentence == (
        f"{second.buyer.name} could have bought this lead, but it ranks 2 of 2 and there is room for 1 buyer."
    )
    assert {lift.kind for lift in remedy.improvements} == {"priority", "max_buyers"}


def test_fixed_and_still_outranked() -> None:
    campaign = CampaignFactory(mode="priority")
    EnrollmentFactory(campaign=campaign, priority=4, buyer__credits_cents=5_000)
    second = EnrollmentFactory(campaign=campaign, priority=1)
    lead = distributed(campaign)

    remedy = ask(lead, second.buyer)

    assert (remedy.fixer, remedy.ending) == ("buyer", "outranked")
    assert remedy.sentence == (
        f"With this change, {second.buyer.name} would still not have gotten this lead: "
        "it ranks 2 of 2 and there is room for 1 buyer."
    )


def test_outside_the_campaigns_hours() -> None:
    campaign = CampaignFactory(schedule={"mon": []})
    enrollment = EnrollmentFactory(campaign=campaign)
    lead = distributed(campaign)

    remedy = ask(lead, enrollment.buyer)

    assert [fix.gate for fix in remedy.fixes] == ["outside_campaign_hours", "insufficient_credits"]
    assert (remedy.fixer, remedy.ending) == ("agency", "selected")


def test_buyer_that_was_enrolled_later() -> None:
    enrollment = EnrollmentFactory(buyer__credits_cents=5_000)
    lead = distributed(enrollment.campaign)
    late = EnrollmentFactory(campaign=enrollment.campaign)

    remedy = ask(lead, late.buyer)

    assert (remedy.fixer, remedy.ending, remedy.fixes) == ("agency", "unchecked", ())
    assert remedy.sentence.startswith(
        f"{late.buyer.name} was not enrolled in the campaign at that time (configuration "
    )


def test_buyer_of_another_workspace() -> None:
    lead = distributed(EnrollmentFactory().campaign)

    remedy = ask(lead, BuyerFactory())

    assert remedy.sentence == (
        "This buyer is in another workspace. A lead is only offered to buyers of its own workspace."
    )


def test_lead_without_a_campaign_is_not_checked() -> None:
    buyer = BuyerFactory()
    lead = LeadFactory(source__workspace=buyer.workspace)
    distribute_lead(lead.pk)

    remedy = ask(lead, buyer)

    assert (remedy.fixer, remedy.ending) == ("agency", "unchecked")
    assert remedy.sentence == (
        "No buyers were considered in this attempt: No active campaign takes this vertical and source. "
        "To change: add or activate a campaign that takes its vertical and source."
    )


def test_missing_or_unreadable_snapshot() -> None:
    enrollment = EnrollmentFactory()
    lead = distributed(enrollment.campaign)
    attempt = Attempt.objects.get(lead_id=lead.pk)

    attempt.config_version = 999
    gone = what_would_help(lead, attempt=attempt, buyer=enrollment.buyer)
    CampaignSnapshot.objects.create(campaign=enrollment.campaign, config_version=999, config={"campaign": {}})
    odd = what_would_help(lead, attempt=attempt, buyer=enrollment.buyer)

    assert gone.sentence == "The campaign configuration that it used (999) is no longer stored."
    assert odd.sentence == "This version of LeadSwitch cannot read what the attempt recorded."
    assert (gone.ending, odd.ending) == ("unchecked", "unchecked")
    assert odd.fixer == "", "waiting does not make the recording readable"


def test_what_if_takes_one_statement() -> None:
    campaign = CampaignFactory()
    for _ in range(5):
        EnrollmentFactory(campaign=campaign)
    lead = distributed(campaign)
    attempt = Attempt.objects.get(lead_id=lead.pk)
    buyer = Enrollment.objects.select_related("buyer").first()
    assert buyer is not None

    with CaptureQueriesContext(connection) as captured:
        what_would_help(lead, attempt=attempt, buyer=buyer.buyer)

    assert len(captured) == 1


def test_buyer_that_returned_the_lead_can_never_get_it() -> None:
    enrollment = EnrollmentFactory(buyer__credits_cents=5_000, campaign__max_buyers=2)
    lead = distributed(enrollment.campaign)
    Lead.objects.filter(pk=lead.pk).update(
        status="pending", next_attempt_at=lead.received_at, finished_at=None
    )
    distribute_lead(lead.pk)

    remedy = what_would_help(
        lead, attempt=Attempt.objects.get(lead_id=lead.pk, number=2), buyer=enrollment.buyer
    )

    assert (remedy.ending, remedy.fixer) == ("never", "lead")
    assert remedy.sentence == (
        f"{enrollment.buyer.name} cannot get this lead: "
        "it bought this lead before, and a buyer gets a lead only once."
    )


def test_buyer_passed_over_by_a_person() -> None:
    campaign = CampaignFactory(max_buyers=2)
    chosen, other = (EnrollmentFactory(campaign=campaign, buyer__credits_cents=5_000) for _ in range(2))
    lead = LeadFactory(source__workspace=campaign.workspace)
    assign_by_hand(lead.pk, enrollment_id=chosen.pk)

    assert ask(lead, other.buyer).sentence == (
        f"{other.buyer.name} could have bought this lead, but an operator assigned the lead to another buyer."
    )
