"""Answers in doubt: a rejection after a try that may have arrived, and a result that comes after its lease was lost."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.deliveries.by_hand import ResolutionRefused, resolve, settle_late
from distribution.deliveries.leases import end_expired
from distribution.deliveries.tried import Tried
from distribution.models import Delivery, DeliveryState, DeliveryTry, Endpoint, LedgerEntry
from distribution.verify import run_verification
from tests.functional.verify.world import broken
from tests.support.buyer_system import BuyerSystem, Reply, buyer_system
from tests.support.delivering import claim_and_try, deliver_due, record, sign
from tests.support.direct_posts import (
    CREDITS_CENTS,
    PRICE_CENTS,
    dead_url,
    endpoint_of,
    enroll_with,
    money,
    outcomes,
    post,
    posting_campaign,
    states,
)
from tests.support.factories import DeliveryFactory, EndpointFactory
from tests.support.waiting import wait_until
from tracing.models import AuditEntry

pytestmark = pytest.mark.usefixtures("committed_db")

NOT_CHARGED, HELD = (CREDITS_CENTS, 0), (CREDITS_CENTS, PRICE_CENTS)
CHARGED = (CREDITS_CENTS - PRICE_CENTS, 0)


@pytest.fixture
def endpoint(committed_db: None, system: BuyerSystem) -> Endpoint:  # noqa: ARG001
    endpoint: Endpoint = EndpointFactory(url=system.url, timeout_seconds=2)
    sign(endpoint)
    return endpoint


def only() -> Delivery:
    return Delivery.objects.get()


def claim_and_lose() -> Tried:
    """A try whose lease ends before its result is written."""
    [tried] = claim_and_try()
    until = only().leased_until
    assert until is not None
    assert end_expired(at=until + timedelta(seconds=1), limit=10) == 1
    return tried


def next_try() -> None:
    deliver_due(at=only().next_try_at)


@pytest.mark.parametrize("first", [Reply(500), Reply(cuts=True)], ids=["5xx", "cut"])
def test_rejection_after_an_unknown_try_waits_for_a_person(system: BuyerSystem, first: Reply) -> None:
    """E.g. the buyer's system took the lead, and now it says that it is a duplicate."""
    enrollment = enroll_with(
        posting_campaign(),
        priority=1,
        url=system.url,
        method="http",
        body_format="json",
        reason_path="why",
    )
    system.answer_with(first, Reply(422, '{"why": "duplicate"}'))
    lead = post(enrollment.campaign)
    deliver_due()

    next_try()

    assert (only().state, only().end_reason, only().ended_at) == ("unknown", "duplicate", None)
    assert outcomes(only()) == ["unknown", "rejected"]
    assert states(lead) == [(enrollment.buyer_id, "held")]
    assert money(enrollment) == HELD


def test_rejection_after_a_lost_worker_waits_for_a_person(system: BuyerSystem) -> None:
    enrollment = enroll_with(posting_campaign(), priority=1, url=system.url)
    system.answer_with(Reply(), Reply(409))
    post(enrollment.campaign)
    claim_and_lose()

    next_try()

    assert only().state == "unknown"
    assert money(enrollment) == HELD


def test_rejection_after_tries_that_were_not_sent_releases_the_hold(system: BuyerSystem) -> None:
    enrollment = enroll_with(posting_campaign(), priority=1, url=dead_url())
    lead = post(enrollment.campaign)
    deliver_due()
    Endpoint.objects.update(url=system.url)
    system.answer_with(Reply(422))

    next_try()

    assert outcomes(only()) == ["not_sent", "rejected"]
    assert states(lead) == [(enrollment.buyer_id, "rejected")]
    assert money(enrollment) == NOT_CHARGED


def test_rejection_of_a_sold_lead_after_an_unknown_try_is_its_end(
    endpoint: Endpoint, system: BuyerSystem
) -> None:
    """No money depends on it, so no person must decide."""
    system.answer_with(Reply(500), Reply(422))
    DeliveryFactory(endpoint=endpoint)
    deliver_due()

    next_try()

    assert only().state == "rejected"


def test_late_result_is_written_to_its_try(endpoint: Endpoint, system: BuyerSystem) -> None:
    system.answer_with(Reply(500, "sorry"))
    DeliveryFactory(endpoint=endpoint)
    late = claim_and_lose()
    waiting = Delivery.objects.values().get()

    assert record([late]).count == 0

    assert Delivery.objects.values().get() == waiting, "the next try decides"
    tried = DeliveryTry.objects.get()
    assert (tried.outcome, tried.status_code, tried.answer_body) == ("unknown", 500, "sorry")


def test_repeated_result_changes_nothing(endpoint: Endpoint, system: BuyerSystem) -> None:
    system.answer_with(Reply(422), Reply(200))
    DeliveryFactory(endpoint=endpoint)
    first = claim_and_try()
    record(first)
    before = [Delivery.objects.values().get(), DeliveryTry.objects.values().get()]

    assert record(first, at=timezone.now() + timedelta(hours=1)).count == 0

    assert [Delivery.objects.values().get(), DeliveryTry.objects.values().get()] == before


def test_late_acceptance_ends_the_delivery(endpoint: Endpoint, system: BuyerSystem) -> None:
    DeliveryFactory(endpoint=endpoint)
    late = claim_and_lose()
    assert only().state == "pending"

    assert record([late]).count == 1

    assert (only().state, only().next_try_at, outcomes(only())) == ("accepted", None, ["accepted"])
    assert deliver_due(at=timezone.now() + timedelta(days=1)).count == 0
    assert len(system.asked) == 1


@pytest.mark.parametrize("state", ["pending", "posting", "unknown"])
def test_late_acceptance_charges_the_held_price(system: BuyerSystem, state: str) -> None:
    enrollment = enroll_with(posting_campaign(), priority=1, url=system.url)
    system.answer_with(Reply(), Reply(422))
    lead = post(enrollment.campaign)
    late = claim_and_lose()
    second = claim_and_try(at=only().next_try_at) if state != "pending" else []
    if state == "unknown":
        record(second)
    assert only().state == state

    record([late])

    assert (only().state, only().leased_until) == ("accepted", None)
    assert states(lead) == [(enrollment.buyer_id, "sold")]
    assert money(enrollment) == CHARGED
    assert broken(run_verification()) == {}, "no try is left open, also if its worker is lost"
    record(second)
    assert only().state == "accepted", "the buyer's second answer comes too late"
    assert outcomes(only())[0] == "accepted"
    assert money(enrollment) == CHARGED
    assert broken(run_verification()) == {}


def test_late_rejection_does_not_end_the_delivery(system: BuyerSystem) -> None:
    """The try that was made in its place decides. Nothing is in doubt then."""
    enrollment = enroll_with(posting_campaign(), priority=1, url=system.url)
    system.answer_with(Reply(422))
    lead = post(enrollment.campaign)
    late = claim_and_lose()
    record([late])
    assert (only().state, states(lead)) == ("pending", [(enrollment.buyer_id, "held")])

    next_try()

    assert outcomes(only()) == ["rejected", "rejected"]
    assert states(lead) == [(enrollment.buyer_id, "rejected")]
    assert money(enrollment) == NOT_CHARGED


def test_late_result_and_the_next_one_in_one_batch_are_both_written(
    endpoint: Endpoint, system: BuyerSystem
) -> None:
    system.answer_with(Reply(200), Reply(422))
    DeliveryFactory(endpoint=endpoint)
    late = claim_and_lose()
    [second] = claim_and_try(at=only().next_try_at)

    assert record([late, second]).count == 1

    assert (only().state, outcomes(only())) == ("accepted", ["accepted", "rejected"])


def test_acceptance_after_the_hold_was_released_is_reported(
    system: BuyerSystem, caplog: pytest.LogCaptureFixture, mailoutbox: list[EmailMessage], settings: Any
) -> None:
    settings.EMAIL_HOST, settings.LEADSWITCH_DIGEST_RECIPIENTS = "mail.test", ("ops@agency.test",)
    campaign = posting_campaign()
    with buyer_system() as other:
        first = enroll_with(campaign, priority=2, url=system.url)
        second = enroll_with(campaign, priority=1, url=other.url)
        lead = post(campaign)
        late = claim_and_lose()
        resolve(only().pk, state=DeliveryState.REJECTED, at=timezone.now(), actor="ann", reason="they say no")
        distribute_lead(lead.pk)
        deliver_due()
        assert states(lead) == [(first.buyer_id, "rejected"), (second.buyer_id, "sold")]
        money_before = list(LedgerEntry.objects.order_by("pk").values())

        assert run_verification(incremental=True).holds
        caplog.clear()
        with caplog.at_level(logging.ERROR):
            record([late])

    delivery = Delivery.objects.get(endpoint=endpoint_of(first))
    assert (delivery.state, outcomes(delivery)) == ("rejected", ["accepted"])
    assert delivery.end_reason == "accepted after its hold was released"
    assert states(lead) == [(first.buyer_id, "rejected"), (second.buyer_id, "sold")]
    assert list(LedgerEntry.objects.order_by("pk").values()) == money_before
    assert [each.getMessage() for each in caplog.records] == ["deliveries.accepted_after_release"]
    wait_until(lambda: len(mailoutbox) > 0, what="the mail about the lead")
    [mail] = mailoutbox
    assert mail.subject == f"LeadSwitch: {first.buyer.name} accepted a lead that it does not pay for"
    assert f"/admin/distribution/delivery/{delivery.pk}/change/" in mail.body
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.actor) == ("accepted after its hold was released", "deliverer")
    found = {12: [f"delivery {delivery.pk}: is rejected, but a try of it was accepted"]}
    assert broken(run_verification()) == found
    assert broken(run_verification(incremental=True)) == found

    settle_late(delivery.pk, at=timezone.now(), actor="ann", reason="the buyer dropped it")
    assert run_verification().holds
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.actor, entry.reason) == ("settled", "ann", "the buyer dropped it")
    assert list(LedgerEntry.objects.order_by("pk").values()) == money_before
    with pytest.raises(ResolutionRefused, match="nothing to settle"):
        settle_late(delivery.pk, at=timezone.now(), actor="ben", reason="again")
