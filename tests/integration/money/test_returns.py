"""A returned lead: the charge is refunded once, the caps if the campaign says so, and nothing else changes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.engine.ranking import VIRTUAL_SECOND
from distribution.models import Assignment, Campaign, Enrollment, LedgerEntry, ReturnRequest, Wallet
from distribution.money.wallet import refund
from routing.calendar.windows import WINDOW_KINDS
from routing.leads.actions import ActionRefused
from routing.models import Lead
from tests.support.factories import CampaignFactory, LeadFactory, SourceFactory, enroll
from tests.support.returning import return_assignment

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)


@pytest.fixture
def sold() -> Assignment:
    """The first of two leads for $25.00 that one buyer with $100.00 got."""
    campaign = CampaignFactory(price_cents=2_500)
    enroll(campaign, count=1, credits_cents=10_000)
    source = SourceFactory(workspace=campaign.workspace)
    for _ in range(2):
        assert distribute_lead(LeadFactory(source=source, received_at=AT).pk, at=AT).result == "success"
    return Assignment.objects.earliest("id")


def counters(sold: Assignment) -> list[tuple[int, int]]:
    enrollment = Enrollment.objects.get(pk=sold.enrollment_id)
    return [
        (getattr(enrollment, f"{kind}_leads"), getattr(enrollment, f"{kind}_spent_cents"))
        for kind in WINDOW_KINDS
    ]


def balance(sold: Assignment) -> int:
    return Wallet.objects.values_list("balance_cents", flat=True).get(buyer=sold.buyer_id)


def everything() -> tuple[Any, ...]:
    models = (Assignment, Enrollment, Wallet, LedgerEntry, Lead)
    return tuple(list(model.objects.order_by("pk").values()) for model in models)


def test_return_refunds_the_charge_and_reduces_the_counters(sold: Assignment) -> None:
    assert counters(sold) == [(2, 5_000)] * 4
    before = Enrollment.objects.get(pk=sold.enrollment_id)
    at = timezone.now()

    returned = return_assignment(sold.public_id, actor="ann", reason="wrong number", at=at)

    assert (returned.state, returned.returned_at) == ("returned", at)
    assert counters(sold) == [(1, 2_500)] * 4
    assert balance(sold) == 7_500
    entry = LedgerEntry.objects.latest("id")
    assert (entry.kind, entry.amount_cents, entry.assignment_id) == ("refund", 2_500, sold.pk)
    assert (entry.actor, entry.reason) == ("ann", "wrong number")
    request = ReturnRequest.objects.get()
    assert entry.idempotency_key == f"refund:return:{request.public_id}"
    assert (request.state, request.reason, request.refund, request.refund_cents) == (
        *("approved", "agency"),
        *(entry, 2_500),
    )
    after = Enrollment.objects.get(pk=sold.enrollment_id)
    assert after.last_assigned_at == before.last_assigned_at
    assert after.virtual_finish == before.virtual_finish - VIRTUAL_SECOND
    lead = Lead.objects.get(pk=sold.lead_id)
    assert (lead.status, lead.finished_at) == ("returned", at)


def test_campaign_may_keep_the_counters(sold: Assignment) -> None:
    Campaign.objects.update(returns_restore_caps=False)
    before = Enrollment.objects.get(pk=sold.enrollment_id)

    return_assignment(sold.public_id, actor="ann", reason="wrong number")

    assert Enrollment.objects.get(pk=sold.enrollment_id).virtual_finish == before.virtual_finish
    assert counters(sold) == [(2, 5_000)] * 4
    assert balance(sold) == 7_500


@pytest.mark.parametrize(
    ("mode", "weights"), [("round_robin", (1, 1, 1)), ("weighted", (3, 2, 1)), ("priority", (1, 1, 1))]
)
def test_return_restores_the_turn(mode: str, weights: tuple[int, ...]) -> None:
    """The buyer that returned a lead gets the next one: in the end each keeps its share of the leads."""
    campaign = CampaignFactory(mode=mode)
    source = SourceFactory(workspace=campaign.workspace)
    for weight in weights:
        enroll(campaign, count=1, credits_cents=1_000_000, weight=weight)
    sales = sum(weights)

    def sell(count: int) -> None:
        for _ in range(count):
            assert distribute_lead(LeadFactory(source=source, received_at=AT).pk, at=AT).result == "success"

    sell(3 * sales)
    for returned in Assignment.objects.order_by("id")[:sales]:
        return_assignment(returned.public_id, actor="ann", reason="wrong number")
    sell(sales)

    kept = [
        Assignment.objects.filter(enrollment=each, state="sold").count()
        for each in campaign.enrollments.order_by("id")
    ]
    assert kept == [3 * weight for weight in weights]


def test_second_return_changes_nothing(sold: Assignment) -> None:
    return_assignment(sold.public_id, actor="ann", reason="wrong number")
    before = everything()

    again = return_assignment(sold.public_id, actor="bob", reason="again")

    assert again.state == "returned"
    assert everything() == before


def test_refund_happens_once(sold: Assignment) -> None:
    """A refund for a failure and a later return pay the charge once between them."""
    refund(
        assignment_id=sold.pk, buyer_id=sold.buyer_id, key="1", actor="ann", reason="late", amount_cents=900
    )

    return_assignment(sold.public_id, actor="ann", reason="wrong number")

    amounts = (
        LedgerEntry.objects.filter(assignment=sold).order_by("id").values_list("amount_cents", flat=True)
    )
    assert list(amounts) == [-2_500, 900, 1_600]
    assert balance(sold) == 7_500


def test_fully_refunded_lead_can_still_be_returned(sold: Assignment) -> None:
    refund(assignment_id=sold.pk, buyer_id=sold.buyer_id, key="1", actor="ann", reason="late")

    returned = return_assignment(sold.public_id, actor="ann", reason="wrong number")

    assert returned.state == "returned"
    assert balance(sold) == 7_500
    assert LedgerEntry.objects.filter(assignment=sold).count() == 2


def test_only_windows_that_counted_the_sale_are_reduced(sold: Assignment) -> None:
    """A day later the day's counter belongs to other sales. Windows follow the buyer's clock."""
    Wallet.objects.filter(buyer=sold.buyer_id).update(credit_limit_cents=10_000)
    later = sold.created_at + timedelta(days=40)
    lead = LeadFactory(source=sold.lead.source, next_attempt_at=later)
    assert distribute_lead(lead.pk, at=later).result == "success"
    assert counters(sold) == [(1, 2_500)] * 4

    return_assignment(sold.public_id, actor="ann", reason="wrong number", at=later)

    assert counters(sold) == [(1, 2_500)] * 4


def test_lead_of_a_removed_enrollment_can_be_returned(sold: Assignment) -> None:
    Enrollment.objects.all().delete()

    returned = return_assignment(sold.public_id, actor="ann", reason="wrong number")

    assert returned.state == "returned"
    assert balance(sold) == 7_500


def test_free_lead_can_be_returned() -> None:
    campaign = CampaignFactory(price_cents=0)
    enroll(campaign, count=1)
    distribute_lead(LeadFactory(source=SourceFactory(workspace=campaign.workspace)).pk)
    free = Assignment.objects.get()

    return_assignment(free.public_id, actor="ann", reason="wrong number")

    assert Assignment.objects.get().state == "returned"
    assert list(LedgerEntry.objects.values_list("kind", "amount_cents")) == [("charge", 0)]


def test_returned_lead_is_not_sold_to_the_same_buyer_again(sold: Assignment) -> None:
    return_assignment(sold.public_id, actor="ann", reason="wrong number")
    Lead.objects.filter(pk=sold.lead_id).update(status="pending", next_attempt_at=AT, finished_at=None)

    assert distribute_lead(sold.lead_id, at=AT).result == "unsold"

    assert Assignment.objects.filter(lead=sold.lead_id).get().state == "returned"


def test_return_needs_a_reason_and_an_assignment(sold: Assignment) -> None:
    before = everything()

    with pytest.raises(ActionRefused, match="a return needs a reason"):
        return_assignment(sold.public_id, actor="ann", reason=" ")
    with pytest.raises(Assignment.DoesNotExist):
        return_assignment(sold.attempt_id, actor="ann", reason="wrong number")

    assert everything() == before


def test_clock_is_read_when_no_time_is_given(sold: Assignment) -> None:
    with time_machine.travel("2027-01-01T00:00Z", tick=False):
        returned = return_assignment(sold.public_id, actor="ann", reason="wrong number")
        assert returned.returned_at == timezone.now()
