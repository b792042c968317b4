"""A buyer of a direct post that cannot be reached: the next buyer is asked within the deadline of the campaign."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Campaign, Delivery, EndpointSecret
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
    outcomes,
    post,
    posting_campaign,
    states,
    use_up_tries,
)
from tests.support.factories import LeadFactory
from tracing.models import AttemptResult

pytestmark = pytest.mark.django_db

DEADLINE_SECONDS = 60


@pytest.fixture
def campaign() -> Campaign:
    return posting_campaign(post_deadline_seconds=DEADLINE_SECONDS)


def deadline_of(lead: Lead) -> datetime:
    lead.refresh_from_db()
    assert lead.posting_since is not None
    return lead.posting_since + timedelta(seconds=DEADLINE_SECONDS)


def last_of(lead: Lead) -> Delivery:
    return Delivery.objects.filter(lead=lead).latest("pk")


def use_up(lead: Lead) -> datetime:
    """Try until the last delivery is not due any more. Returns when."""
    at = timezone.now()
    while (due_at := last_of(lead).next_try_at) is not None:
        at = max(at, due_at)
        deliver_due(at=at)
    return at


def test_next_buyer_is_asked_before_the_deadline(campaign: Campaign, system: BuyerSystem) -> None:
    first = enroll_with(campaign, priority=2, url=dead_url())
    second = enroll_with(campaign, priority=1, url=system.url)
    lead = post(campaign)
    deadline_at = deadline_of(lead)

    at = use_up(lead)

    assert (last_of(lead).state, last_of(lead).end_reason) == ("rejected", "unreachable")
    assert at < deadline_at
    assert outcomes(last_of(lead)) == ["not_sent"] * 4, "at once, and after 1, 5 and 15 seconds"
    assert distribute_lead(lead.pk, at=at).result == AttemptResult.POSTING
    deliver_due(at=at)
    assert states(lead) == [(first.buyer_id, "rejected"), (second.buyer_id, "sold")]
    assert money(first) == (CREDITS_CENTS, 0)
    assert money(second) == (CREDITS_CENTS - PRICE_CENTS, 0)


def test_every_buyer_of_a_chain_is_asked_before_the_deadline(campaign: Campaign, system: BuyerSystem) -> None:
    """Each takes at most half of the time that is left."""
    for priority in (4, 3, 2):
        enroll_with(campaign, priority=priority, url=dead_url())
    last = enroll_with(campaign, priority=1, url=system.url)
    lead = post(campaign)
    deadline_at, at = deadline_of(lead), timezone.now()

    for _ in range(3):
        # The hold of a later buyer is as old as its attempt, and not as the clock of the test.
        Delivery.objects.filter(pk=last_of(lead).pk).update(created_at=at)
        at = max(at, use_up(lead))
        assert distribute_lead(lead.pk, at=at).result == AttemptResult.POSTING

    assert at < deadline_at
    deliver_due(at=at)
    assert Assignment.objects.get(lead=lead, state="sold").buyer_id == last.buyer_id


def test_buyer_that_may_have_the_lead_is_not_given_up(campaign: Campaign, system: BuyerSystem) -> None:
    system.answer_with(Reply(cuts=True))
    enrollment = enroll_with(campaign, priority=1, url=system.url)
    lead = post(campaign)
    deliver_due()
    endpoint = endpoint_of(enrollment)
    endpoint.url = dead_url()
    endpoint.save(update_fields=["url"])

    delivery, at = use_up_tries()

    assert at > deadline_of(lead)
    assert delivery.state == "unknown"
    assert states(lead) == [(enrollment.buyer_id, "held")]


def test_sold_lead_is_tried_for_as_long_as_before(system: BuyerSystem) -> None:
    campaign = posting_campaign(sells_on="decision")
    enrollment = enroll_with(campaign, priority=1, url=dead_url())
    lead: Lead = sold_lead(campaign)
    at = use_up(lead)
    assert (last_of(lead).state, last_of(lead).tries) == ("unknown", 11)
    assert at > timezone.now() + timedelta(minutes=20)
    assert money(enrollment) == (CREDITS_CENTS - PRICE_CENTS, 0)
    assert system.asked == []


def sold_lead(campaign: Campaign) -> Lead:
    lead: Lead = LeadFactory(source__workspace=campaign.workspace)
    assert distribute_lead(lead.pk).result == AttemptResult.SUCCESS
    return lead


MISTAKES: Any = {
    "template_invalid": {"method": "http", "template": {"zip": "{no_such_field}"}},
    "headers_invalid": {"method": "http", "headers": {"X Bad": "value"}},
    "bad_url": {"url": "https://user@host.example/"},
    "refused_address": {"url": "https://192.168.0.1/leads"},
}


@pytest.mark.parametrize("error", MISTAKES)
def test_mistake_of_ours_rejects_at_once(campaign: Campaign, error: str) -> None:
    enrollment = enroll_with(campaign, priority=1, url=dead_url())
    lead = post(campaign)
    endpoint = endpoint_of(enrollment)
    for name, value in MISTAKES[error].items():
        setattr(endpoint, name, value)
    endpoint.save()

    deliver_due()

    assert (last_of(lead).state, last_of(lead).end_reason, last_of(lead).tries) == ("rejected", error, 1)
    assert Assignment.objects.get().reject_reason == error
    assert money(enrollment) == (CREDITS_CENTS, 0)


def test_endpoint_without_a_secret_rejects_at_once(campaign: Campaign, system: BuyerSystem) -> None:
    enrollment = enroll_with(campaign, priority=1, url=system.url)
    EndpointSecret.objects.all().delete()
    lead = post(campaign)

    deliver_due()

    assert (last_of(lead).state, last_of(lead).end_reason) == ("rejected", "no_secret")
    assert money(enrollment) == (CREDITS_CENTS, 0)
    assert system.asked == []


def test_secret_under_another_key_rejects_at_once(
    campaign: Campaign, system: BuyerSystem, settings: Any
) -> None:
    enroll_with(campaign, priority=1, url=system.url)
    lead = post(campaign)
    settings.LEADSWITCH_ENCRYPTION_KEY = "another key that is long enough to be one"

    deliver_due()

    assert (last_of(lead).state, last_of(lead).end_reason) == ("rejected", "secret_unreadable")
