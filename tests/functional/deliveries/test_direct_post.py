"""A direct post: the answer of the buyer's system ends the hold, in the transaction that ends the delivery."""

from datetime import timedelta

import pytest
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.deliveries.by_hand import ResolutionRefused, resend, resolve
from distribution.explain.lead import explain
from distribution.models import Assignment, Campaign, Delivery, DeliveryState, DeliveryTry
from routing.models import Lead
from tests.support.buyer_system import BuyerSystem, Reply
from tests.support.delivering import deliver_due
from tests.support.direct_posts import (
    CREDITS_CENTS,
    PRICE_CENTS,
    dead_url,
    endpoint_of,
    enroll_with,
    money,
    post,
    posting_campaign,
    states,
    use_up_tries,
)
from tracing.models import AttemptResult


@pytest.fixture
def campaign(db: None) -> Campaign:  # noqa: ARG001
    return posting_campaign()


def test_acceptance_charges_the_held_price(campaign: Campaign, system: BuyerSystem) -> None:
    enrollment = enroll_with(campaign, priority=1, url=system.url)
    lead = post(campaign)
    assert money(enrollment) == (CREDITS_CENTS, PRICE_CENTS)

    assert deliver_due().due_lead_ids == ()

    assert money(enrollment) == (CREDITS_CENTS - PRICE_CENTS, 0)
    assert states(lead) == [(enrollment.buyer_id, "sold")]
    lead.refresh_from_db()
    assert lead.status == "distributed"


def test_rejection_releases_the_price_and_the_next_buyer_is_asked(
    campaign: Campaign, system: BuyerSystem
) -> None:
    first = enroll_with(campaign, priority=2, url=system.url)
    second = enroll_with(campaign, priority=1, url=system.url)
    system.answer_with(Reply(422), Reply(200))
    lead = post(campaign)

    assert deliver_due().due_lead_ids == (lead.pk,)
    assert distribute_lead(lead.pk).result == AttemptResult.POSTING
    deliver_due()

    assert states(lead) == [(first.buyer_id, "rejected"), (second.buyer_id, "sold")]
    assert money(first) == (CREDITS_CENTS, 0)
    assert money(second) == (CREDITS_CENTS - PRICE_CENTS, 0)
    assert Assignment.objects.get(buyer=first.buyer).reject_reason == "answered 422"
    explained = explain(Lead.objects.select_related("workspace", "source").get(pk=lead.pk))
    assert explained.lead.campaign is not None
    assert explained.lead.campaign.name == campaign.name
    assert explained.sales[0].sentence.endswith('nothing was charged. Reason: "answered 422".')


def test_reason_of_a_rejection_is_kept_without_the_person(campaign: Campaign, system: BuyerSystem) -> None:
    first = enroll_with(
        campaign, priority=1, url=system.url, method="http", body_format="json", reason_path="why"
    )
    system.answer_with(Reply(422, '{"why": "Ada Lovelace, ada@example.com is ours"}'))
    post(campaign, first_name="Ada", last_name="Lovelace")

    deliver_due()

    hidden = "(hidden) (hidden), (hidden) is ours"
    assert Delivery.objects.get().end_reason == hidden
    assert Assignment.objects.get(buyer=first.buyer).reject_reason == hidden
    assert "Ada Lovelace, ada@example.com" in DeliveryTry.objects.get().answer_body


def test_buyer_that_can_never_be_reached_has_rejected_the_lead(campaign: Campaign) -> None:
    enrollment = enroll_with(campaign, priority=1, url=dead_url())
    lead = post(campaign)

    delivery, _ = use_up_tries()

    assert (delivery.state, delivery.end_reason) == ("rejected", "unreachable")
    assert states(lead) == [(enrollment.buyer_id, "rejected")]
    assert money(enrollment) == (CREDITS_CENTS, 0)


def test_unknown_keeps_the_hold_until_a_person_decides(campaign: Campaign, system: BuyerSystem) -> None:
    system.answer_with(Reply(500))
    enrollment = enroll_with(campaign, priority=1, url=system.url)
    enroll_with(campaign, priority=0, url=system.url)
    lead = post(campaign)

    delivery, _ = use_up_tries()

    assert delivery.state == "unknown"
    assert states(lead) == [(enrollment.buyer_id, "held")]
    assert money(enrollment) == (CREDITS_CENTS, PRICE_CENTS)
    resolve(delivery.pk, state=DeliveryState.ACCEPTED, at=timezone.now(), actor="ann", reason="they have it")
    assert states(lead) == [(enrollment.buyer_id, "sold")]
    assert money(enrollment) == (CREDITS_CENTS - PRICE_CENTS, 0)
    with pytest.raises(ResolutionRefused, match="its answer decided about the sale"):
        resend(delivery.pk, at=timezone.now() + timedelta(hours=1), actor="ann", reason="again")


def test_one_unknown_among_unreachable_tries_waits_for_a_person(
    campaign: Campaign, system: BuyerSystem
) -> None:
    system.answer_with(Reply(cuts=True))
    enrollment = enroll_with(campaign, priority=1, url=system.url)
    lead = post(campaign)
    deliver_due()
    endpoint = endpoint_of(enrollment)
    endpoint.url = dead_url()
    endpoint.save(update_fields=["url"])

    assert use_up_tries()[0].state == "unknown"
    assert states(lead) == [(enrollment.buyer_id, "held")]
