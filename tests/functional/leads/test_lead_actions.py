"""A person's actions on one lead: run again, pause, resume, assign to a buyer by hand."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead, distribute_next_due
from distribution.attempts.outcome import NotRun
from distribution.models import Assignment, Enrollment, LedgerEntry, Wallet
from distribution.verify import run_verification
from routing.leads.actions import ActionRefused, cancel_sent_lead, pause_lead, rerun_lead, resume_lead
from routing.models import Lead, LeadStatus
from routing.queries import count_polled
from tests.functional.verify.world import broken
from tests.support.assigning import assign_by_hand
from tests.support.factories import (
    CampaignFactory,
    EnrollmentFactory,
    LeadFactory,
    SourceFactory,
    enroll,
    give_credits,
)
from tests.support.returning import return_assignment
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")


def failed_lead(**campaign: Any) -> Lead:
    """No buyer had credits."""
    enrollment = EnrollmentFactory(**{f"campaign__{name}": value for name, value in campaign.items()})
    lead = LeadFactory(source=SourceFactory(workspace=enrollment.campaign.workspace))
    distribute_lead(lead.pk)
    lead.refresh_from_db()
    assert (lead.status, lead.skip_reason) == ("failed", "insufficient_credits")
    return lead


class TestRerun:
    def test_failed_lead_is_tried_at_a_persons_request(self) -> None:
        lead = failed_lead()
        give_credits(Enrollment.objects.get().buyer, amount_cents=10_000)

        rerun_lead(lead.pk, at=timezone.now())
        outcome = distribute_lead(lead.pk)

        assert (outcome.result, outcome.charged_cents) == ("success", 2_500)
        assert list(Attempt.objects.order_by("number").values_list("number", "trigger")) == [
            (1, "ingest"),
            (2, "manual"),
        ]
        assert broken(run_verification()) == {}

    def test_waiting_lead_is_due_now(self) -> None:
        lead = LeadFactory(next_attempt_at=timezone.now() + timedelta(days=1), due_reason="all_buyers_capped")
        at = timezone.now()

        rerun_lead(lead.pk, at=at)

        lead.refresh_from_db()
        assert (lead.next_attempt_at, lead.due_reason, lead.status) == (at, "manual", "pending")

    def test_rerun_bypasses_no_check(self) -> None:
        """A rerun bypasses no check."""
        lead = failed_lead()

        rerun_lead(lead.pk, at=timezone.now())

        assert distribute_lead(lead.pk).skip_reason == "insufficient_credits"
        assert not Assignment.objects.exists()

    @pytest.mark.parametrize(
        ("status", "reason"),
        [
            ("distributed", "it is sold"),
            ("cancelled", "it was canceled"),
            ("expired", "it has expired"),
        ],
    )
    def test_other_states_are_refused(self, status: str, reason: str) -> None:
        lead = LeadFactory(status=status, next_attempt_at=None, finished_at=timezone.now())
        before = Lead.objects.values().get()

        with pytest.raises(ActionRefused, match=reason):
            rerun_lead(lead.pk, at=timezone.now())
        assert Lead.objects.values().get() == before

    def test_lead_that_would_only_expire_is_refused(self) -> None:
        lead = failed_lead()
        with pytest.raises(ActionRefused, match="it has expired"):
            rerun_lead(lead.pk, at=lead.expires_at)

    def test_paused_lead_is_refused(self) -> None:
        lead = LeadFactory()
        pause_lead(lead.pk, at=timezone.now())
        with pytest.raises(ActionRefused, match="resume it first"):
            rerun_lead(lead.pk, at=timezone.now())


class TestHold:
    def test_paused_lead_is_not_claimed(self) -> None:
        enrollment = EnrollmentFactory(buyer__credits_cents=10_000)
        lead = LeadFactory(source=SourceFactory(workspace=enrollment.campaign.workspace))
        pause_lead(lead.pk, at=timezone.now())

        assert distribute_lead(lead.pk).not_run is NotRun.PAUSED
        assert distribute_next_due().lead_id is None
        assert count_polled(limit=10) == 0
        assert broken(run_verification()) == {}

        due = Lead.objects.get().next_attempt_at
        resume_lead(lead.pk, at=timezone.now())
        assert Lead.objects.get().next_attempt_at == due
        assert distribute_next_due().result == "success"

    def test_second_pause_is_refused(self) -> None:
        lead = LeadFactory()
        with pytest.raises(ActionRefused, match="it is not paused"):
            resume_lead(lead.pk, at=timezone.now())
        pause_lead(lead.pk, at=timezone.now())
        with pytest.raises(ActionRefused, match="already paused"):
            pause_lead(lead.pk, at=timezone.now())

    def test_finished_lead_cannot_be_paused(self) -> None:
        lead = failed_lead()
        with pytest.raises(ActionRefused, match="needs an operator to run it again"):
            pause_lead(lead.pk, at=timezone.now())

    def test_paused_lead_can_be_canceled(self) -> None:
        lead = LeadFactory()
        pause_lead(lead.pk, at=timezone.now())

        cancel_sent_lead(lead.public_id, source_id=lead.source_id)

        lead.refresh_from_db()
        assert (lead.status, lead.paused_at) == (LeadStatus.CANCELLED, None)


class TestAssignByHand:
    def test_manual_assignment_is_a_regular_sale(self) -> None:
        lead = failed_lead()
        enrollment = Enrollment.objects.get()
        give_credits(enrollment.buyer, amount_cents=3_000)

        sale = assign_by_hand(lead.pk, enrollment_id=enrollment.pk)

        lead.refresh_from_db()
        assert (lead.status, lead.skip_reason, lead.attempts) == ("distributed", "", 2)
        assert Wallet.objects.get().balance_cents == 500
        entry = LedgerEntry.objects.get(kind="charge")
        assert (entry.amount_cents, entry.assignment.public_id) == (-2_500, sale.assignment_id)  # type: ignore[union-attr]
        enrollment.refresh_from_db()
        assert (enrollment.day_leads, enrollment.day_spent_cents) == (1, 2_500)
        attempt = Attempt.objects.get(number=2)
        assert (attempt.id, attempt.trigger, attempt.result) == (sale.attempt_id, "manual", "success")
        assert broken(run_verification()) == {}

    def test_sale_by_hand_overrides_some_gates_and_names_them(self) -> None:
        campaign = CampaignFactory(schedule={"mon": [["00:00", "00:01"]]})
        overridable = {
            "active": False,
            "buyer__service_area": {},
            "lead_filter": {"field": "zip", "op": "eq", "value": "1"},
        }
        chosen = EnrollmentFactory(campaign=campaign, buyer__credits_cents=10_000, **overridable)
        enroll(campaign, count=2, credits_cents=10_000)
        lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace))

        sale = assign_by_hand(lead.pk, enrollment_id=chosen.pk)

        assert sale.overridden == ("enrollment_paused", "outside_service_area", "lead_filter_rejected")
        event = LeadDistributionEvent.objects.get(event="buyer_selected")
        assert event.data["overridden"] == list(sale.overridden)
        skipped = LeadDistributionEvent.objects.filter(event="buyer_skipped")
        assert list(skipped.values_list("skip_reason", flat=True)) == ["outranked", "outranked"]
        assert broken(run_verification()) == {}

    def test_returned_lead_is_assigned_to_another_buyer(self) -> None:
        campaign = CampaignFactory()
        first, second = enroll(campaign, count=2, credits_cents=10_000)
        lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace))
        distribute_lead(lead.pk)
        sold = Assignment.objects.get()
        other = second if sold.enrollment_id == first.pk else first
        return_assignment(sold.public_id, actor="root", reason="wrong number")

        assign_by_hand(lead.pk, enrollment_id=other.pk)

        assert Assignment.objects.get(state="sold").enrollment_id == other.pk
        assert broken(run_verification()) == {}

    @pytest.mark.parametrize(
        ("enrollment", "message"),
        [
            ({}, r"its wallet lacks \$25.00 of the price \$25.00"),
            ({"buyer__credits_cents": 10_000, "cap_day": 0}, "a cap or budget is used up"),
        ],
        ids=["credits", "cap"],
    )
    def test_money_and_caps_are_not_overridden(self, enrollment: dict[str, Any], message: str) -> None:
        chosen = EnrollmentFactory(**enrollment)
        lead = LeadFactory(source=SourceFactory(workspace=chosen.campaign.workspace))

        with pytest.raises(ActionRefused, match=message):
            assign_by_hand(lead.pk, enrollment_id=chosen.pk)

        lead.refresh_from_db()
        assert (lead.status, lead.attempts) == ("pending", 0)
        assert not Assignment.objects.exists()
        assert not Attempt.objects.exists()

    def test_repeated_assignment_sells_once(self) -> None:
        campaign = CampaignFactory(max_buyers=2)
        [chosen, _] = enroll(campaign, count=2, credits_cents=10_000)
        lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace))
        assign_by_hand(lead.pk, enrollment_id=chosen.pk)

        with pytest.raises(ActionRefused, match="it bought this lead before"):
            assign_by_hand(lead.pk, enrollment_id=chosen.pk)
        assert Assignment.objects.count() == 1

    def test_lead_without_a_free_slot_is_refused(self) -> None:
        campaign = CampaignFactory()
        [first, second] = enroll(campaign, count=2, credits_cents=10_000)
        lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace))
        assign_by_hand(lead.pk, enrollment_id=first.pk)

        with pytest.raises(ActionRefused, match="as many buyers as its campaign allows"):
            assign_by_hand(lead.pk, enrollment_id=second.pk)

    def test_buyer_of_another_campaign_is_refused(self) -> None:
        lead = failed_lead()
        stranger = EnrollmentFactory(buyer__credits_cents=10_000)

        with pytest.raises(ActionRefused, match="not enrolled in the campaign"):
            assign_by_hand(lead.pk, enrollment_id=stranger.pk)

    @pytest.mark.parametrize("status", ["cancelled", "expired", "duplicate"])
    def test_closed_lead_is_refused(self, status: str) -> None:
        enrollment = EnrollmentFactory(buyer__credits_cents=10_000)
        source = SourceFactory(workspace=enrollment.campaign.workspace)
        lead = LeadFactory(source=source, status=status, next_attempt_at=None, finished_at=timezone.now())

        with pytest.raises(ActionRefused, match="the lead is"):
            assign_by_hand(lead.pk, enrollment_id=enrollment.pk)

    def test_paused_workspace_prevents_it_too(self) -> None:
        enrollment = EnrollmentFactory(
            buyer__credits_cents=10_000, campaign__workspace__paused_at=timezone.now()
        )
        lead = LeadFactory(source=SourceFactory(workspace=enrollment.campaign.workspace))

        with pytest.raises(ActionRefused, match="paused"):
            assign_by_hand(lead.pk, enrollment_id=enrollment.pk)
