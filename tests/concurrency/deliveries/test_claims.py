"""Deliverers that claim at once: each message goes to one of them, and each endpoint keeps its limit."""

import re
import threading
from collections import Counter
from functools import partial

import pytest
from django.db import transaction
from django.utils import timezone

from distribution.deliveries import claim
from distribution.deliveries.claim import claim_due, read_seconds_until_due
from distribution.models import Delivery, DeliveryTry, Endpoint, Event
from tests.support.factories import BuyerFactory, DeliveryFactory, EndpointFactory, SubscriptionFactory
from tests.support.racing import in_background, open_transaction, race
from tests.support.waiting import LONGEST_SECONDS, wait_until_blocked

pytestmark = pytest.mark.usefixtures("committed_db")

WITHOUT_ROW_LOCKS = claim.CLAIM.replace("FOR NO KEY UPDATE OF d SKIP LOCKED", "").replace(
    "WHERE d.id = due.id AND d.state = 'pending'", "WHERE d.id = due.id"
)


def make_deliveries(count: int, *, max_in_flight: int = 4) -> Endpoint:
    endpoint: Endpoint = EndpointFactory(max_in_flight=max_in_flight)
    DeliveryFactory.create_batch(count, endpoint=endpoint)
    return endpoint


def remove_claim_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim, "lock_claims", lambda: None)


def test_eight_deliverers_claim_each_message_once_within_the_limits() -> None:
    endpoints = [make_deliveries(10, max_in_flight=limit) for limit in (1, 4, 7)]

    claimed = [each for claims in race([partial(claim_due, limit=100)] * 8) for each in claims]

    assert Counter(each.endpoint_id for each in claimed) == {
        endpoint.pk: endpoint.max_in_flight for endpoint in endpoints
    }
    assert len({each.id for each in claimed}) == len(claimed) == DeliveryTry.objects.count()


def test_claim_waits_for_the_one_before_it() -> None:
    make_deliveries(8)
    with (
        open_transaction(partial(claim_due, limit=100)) as end,
        in_background(partial(claim_due, limit=100)) as second,
    ):
        wait_until_blocked()
        end()
        assert len(second.result(LONGEST_SECONDS)) == 4
    assert Delivery.objects.filter(state="posting").count() == 4


def test_control_without_the_lock_of_claims_an_endpoint_gets_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remove_claim_lock(monkeypatch)
    make_deliveries(8)
    with open_transaction(partial(claim_due, limit=100)):
        assert len(claim_due(limit=100)) == 4, "the four that the open claim has locked are not counted"


def claim_twice(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Two claims of one message: the second begins before the first commits. Returns how many each claimed."""
    make_deliveries(1)
    is_claimed, may_commit = threading.Event(), threading.Event()

    def first() -> int:
        with transaction.atomic():
            claims = claim_due(limit=10)
            is_claimed.set()
            may_commit.wait(LONGEST_SECONDS)
        return len(claims)

    with in_background(first) as one:
        assert is_claimed.wait(LONGEST_SECONDS)
        with in_background(partial(claim_due, limit=10)) as two:
            wait_until_blocked()
            may_commit.set()
            counts = [one.result(LONGEST_SECONDS), len(two.result(LONGEST_SECONDS))]
    monkeypatch.undo()
    return counts


def test_message_is_claimed_once_though_two_claim_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert claim_twice(monkeypatch) == [1, 0]
    assert DeliveryTry.objects.count() == 1


def test_control_without_locks_a_message_is_claimed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    assert re.search("SKIP LOCKED", claim.CLAIM)
    remove_claim_lock(monkeypatch)
    monkeypatch.setattr(claim, "CLAIM", WITHOUT_ROW_LOCKS)

    assert claim_twice(monkeypatch) == [1, 1]
    assert DeliveryTry.objects.count() == 2, "the buyer would get it twice at once"


def test_pile_of_one_endpoint_does_not_hold_up_another() -> None:
    make_deliveries(50, max_in_flight=50)
    fresh = make_deliveries(2)

    claims = claim_due(limit=10)

    assert Counter(each.endpoint_id == fresh.pk for each in claims) == {False: 8, True: 2}


def make_events(count: int) -> Endpoint:
    buyer = BuyerFactory()
    subscription: Endpoint = SubscriptionFactory(buyer=buyer, max_in_flight=100)
    event = Event.objects.create(
        kind="wallet.low", happened_at=timezone.now(), buyer_id=buyer.pk, workspace_id=buyer.workspace_id
    )
    DeliveryFactory.create_batch(count, endpoint=subscription, event=event, lead=None)
    return subscription


def test_events_leave_room_for_leads() -> None:
    for _ in range(3):
        make_events(4)
    claims = claim_due(limit=20, most_events=5)
    assert [each.is_event for each in claims] == [True] * 5

    leads = make_deliveries(2)
    assert {each.endpoint_id for each in claim_due(limit=20, most_events=5)} == {leads.pk}
    assert read_seconds_until_due(most_events=5) is None, "no busy loop while events wait for their turn"
    assert claim_due(limit=20, most_events=5) == []
    seconds = read_seconds_until_due(most_events=6)
    assert seconds is not None
    assert seconds < 0
    assert len(claim_due(limit=20, most_events=6)) == 1


def test_events_that_wait_take_no_place_of_a_lead() -> None:
    make_events(20)
    leads = make_deliveries(4)
    claims = claim_due(limit=6, most_events=3)
    assert Counter(each.endpoint_id == leads.pk for each in claims) == {False: 3, True: 3}
