"""A hold whose endpoint is off ends: by the reconciler if the buyer cannot have the lead, else by a person."""

from typing import Any

import pytest
from django.utils import timezone

from distribution.deliveries.by_hand import ResolutionRefused, resend, resolve
from distribution.models import Campaign, Delivery, DeliveryState, Endpoint
from distribution.reconcile import deliveries
from distribution.verify import run_verification
from routing.reconcile import find_reconciler, run_reconciler
from tests.functional.verify.world import broken
from tests.support.buyer_system import BuyerSystem, Reply
from tests.support.delivering import claim_and_try, deliver_due
from tests.support.direct_posts import (
    CREDITS_CENTS,
    PRICE_CENTS,
    dead_url,
    enroll_with,
    money,
    outcomes,
    post,
    posting_campaign,
    states,
)
from tests.support.factories import DeliveryFactory
from tracing.models import AuditEntry
from tracing.reconciling import Counts

pytestmark = pytest.mark.usefixtures("committed_db")

NOT_CHARGED, HELD = (CREDITS_CENTS, 0), (CREDITS_CENTS, PRICE_CENTS)
CHARGED = (CREDITS_CENTS - PRICE_CENTS, 0)
OFF: Any = {
    "off": {"active": False},
    "disabled": {"disabled_at": timezone.now(), "disabled_reason": "by_hand"},
}


@pytest.fixture
def campaign() -> Campaign:
    return posting_campaign()


def only() -> Delivery:
    return Delivery.objects.get()


def switch_off(how: str = "off") -> None:
    Endpoint.objects.update(**OFF[how])


def decide(state: DeliveryState) -> None:
    resolve(only().pk, state=state, at=timezone.now(), actor="ann", reason="they say so")


@pytest.mark.finds("deliveries")
@pytest.mark.parametrize("how", OFF)
@pytest.mark.parametrize("is_tried", [False, True])
def test_sale_is_rejected_if_the_buyer_cannot_have_the_lead(
    campaign: Campaign, how: str, *, is_tried: bool
) -> None:
    enrollment = enroll_with(campaign, priority=1, url=dead_url())
    lead = post(campaign)
    if is_tried:
        deliver_due()
    switch_off(how)
    reconciler = find_reconciler("deliveries")
    named = (f"delivery {only().pk}",)
    looked = run_reconciler(reconciler, fix=False)
    assert (looked.found, looked.named, only().state) == (1, named, "pending")

    ended = run_reconciler(reconciler, fix=True)

    assert (ended.repaired, ended.skipped, ended.named) == (1, 0, named)
    assert (only().state, only().end_reason, only().next_try_at) == ("rejected", "endpoint_off", None)
    assert only().ended_at is not None
    assert states(lead) == [(enrollment.buyer_id, "rejected")]
    assert money(enrollment) == NOT_CHARGED
    lead.refresh_from_db()
    assert (lead.status, lead.skip_reason, lead.due_reason) == ("pending", "rejected_lead", "delivery_ended")
    assert broken(run_verification()) == {}
    assert run_reconciler(reconciler, fix=True) == Counts()


@pytest.mark.parametrize("how", OFF)
def test_person_decides_if_the_buyer_may_have_the_lead(
    campaign: Campaign, system: BuyerSystem, how: str
) -> None:
    system.answer_with(Reply(500))
    enrollment = enroll_with(campaign, priority=1, url=system.url)
    lead = post(campaign)
    deliver_due()
    switch_off(how)

    assert deliveries.run(fix=True, limit=10).repaired == 1

    assert (only().state, only().end_reason, only().ended_at) == ("unknown", "endpoint_off", None)
    assert states(lead) == [(enrollment.buyer_id, "held")]
    assert money(enrollment) == HELD
    decide(DeliveryState.ACCEPTED)
    assert money(enrollment) == CHARGED
    assert broken(run_verification()) == {}


def test_request_that_runs_is_waited_for(campaign: Campaign, system: BuyerSystem) -> None:
    enrollment = enroll_with(campaign, priority=1, url=system.url)
    post(campaign)
    claim_and_try()
    switch_off()

    assert deliveries.run(fix=True, limit=10) == Counts()

    assert only().state == "posting"
    assert money(enrollment) == HELD


def test_live_endpoint_and_sold_leads_are_left_alone(campaign: Campaign) -> None:
    enrollment = enroll_with(campaign, priority=1, url=dead_url())
    post(campaign)
    DeliveryFactory(endpoint__active=False)

    assert deliveries.run(fix=True, limit=10) == Counts()

    assert money(enrollment) == HELD
    assert set(Delivery.objects.values_list("state", flat=True)) == {"pending"}


@pytest.mark.parametrize(
    ("state", "spent"), [(DeliveryState.ACCEPTED, CHARGED), (DeliveryState.REJECTED, NOT_CHARGED)]
)
def test_person_ends_a_delivery_that_waits_for_its_next_try(
    campaign: Campaign, system: BuyerSystem, state: DeliveryState, spent: tuple[int, int]
) -> None:
    system.answer_with(Reply(500))
    enrollment = enroll_with(campaign, priority=1, url=system.url)
    lead = post(campaign)
    deliver_due()
    assert only().state == "pending"

    decide(state)

    assert (only().state, only().ended_by, only().next_try_at) == (state, "ann", None)
    assert [each for _, each in states(lead)] == ["sold" if state == "accepted" else "rejected"]
    assert money(enrollment) == spent
    assert AuditEntry.objects.latest("pk").action == f"{state} by hand"
    assert deliver_due(at=timezone.now()).count == 0
    assert broken(run_verification()) == {}


def test_person_waits_for_a_request_that_runs(campaign: Campaign, system: BuyerSystem) -> None:
    enrollment = enroll_with(campaign, priority=1, url=system.url)
    post(campaign)
    claim_and_try()

    with pytest.raises(ResolutionRefused, match="it is being sent right now; wait for the answer"):
        decide(DeliveryState.REJECTED)

    assert (only().state, money(enrollment)) == ("posting", HELD)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("off", r"the endpoint .* is off; check Active on its page first"),
        ("disabled", r"the endpoint .* is disabled; press Enable on its page first"),
    ],
)
@pytest.mark.parametrize("is_direct", [False, True])
def test_nothing_is_sent_again_to_an_endpoint_that_is_off(
    campaign: Campaign, system: BuyerSystem, how: str, message: str, *, is_direct: bool
) -> None:
    system.answer_with(Reply(500))
    if is_direct:
        enroll_with(campaign, priority=1, url=system.url)
        post(campaign)
        deliver_due()
    else:
        DeliveryFactory()
    switch_off(how)
    before = Delivery.objects.values().get()

    with pytest.raises(ResolutionRefused, match=message):
        resend(only().pk, at=timezone.now(), actor="ann", reason="again")

    assert Delivery.objects.values().get() == before
    assert not AuditEntry.objects.filter(action="sent again").exists()


def test_tries_are_kept(campaign: Campaign) -> None:
    enroll_with(campaign, priority=1, url=dead_url())
    post(campaign)
    deliver_due()
    switch_off()
    deliveries.run(fix=True, limit=10)
    assert outcomes(only()) == ["not_sent"]
