"""The removal of old messages beside a person who sends one again. A control removes a lock."""

from datetime import timedelta
from functools import partial

import pytest
from django.conf import settings
from django.utils import timezone

from distribution.deliveries import old_events
from distribution.deliveries.by_hand import ResolutionRefused, resend
from distribution.deliveries.old_events import remove_old_events
from distribution.models import Delivery, Event
from tests.support.delivery_breaches import new_event
from tests.support.factories import BuyerFactory, DeliveryFactory, SubscriptionFactory
from tests.support.racing import before_its_commit, in_background
from tests.support.waiting import LONGEST_SECONDS, wait_until_blocked

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def messages(committed_db: None) -> list[int]:  # noqa: ARG001
    """Two old messages of one event, to two subscriptions."""
    long_ago = timezone.now() - timedelta(days=2 * settings.LEADSWITCH_EVENT_DAYS)
    buyer = BuyerFactory()
    event = new_event(buyer_id=buyer.pk, happened_at=long_ago)
    end = {"state": "accepted", "next_try_at": None, "ended_at": long_ago}
    return [
        DeliveryFactory(endpoint=SubscriptionFactory(buyer=buyer), lead=None, event=event, **end).pk
        for _ in range(2)
    ]


def remove(limit: int = 10) -> int:
    return remove_old_events(at=timezone.now(), limit=limit)


def send_again(delivery_id: int) -> str:
    try:
        resend(delivery_id, at=timezone.now(), actor="ann", reason="they lost it")
    except ResolutionRefused:
        return "refused"
    return "sent"


def states() -> list[tuple[int, str]]:
    return list(Delivery.objects.order_by("pk").values_list("pk", "state"))


def test_message_that_is_being_sent_again_is_left(messages: list[int]) -> None:
    first, second = messages
    with before_its_commit(partial(send_again, first)) as commit:
        assert remove() == 1, "the other one"
        commit()

    assert (dict(states()).get(first), second in dict(states())) == ("accepted", False)
    assert [state for _, state in states()] == ["accepted", "pending"]
    assert remove() == 1
    assert ([state for _, state in states()], Event.objects.count()) == (["pending"], 1)


def test_message_that_is_being_removed_is_not_sent_again(messages: list[int]) -> None:
    first, _ = messages
    with before_its_commit(remove) as commit, in_background(partial(send_again, first)) as sending:
        wait_until_blocked()
        commit()
        assert sending.result(LONGEST_SECONDS) == "refused"

    assert (states(), Event.objects.count()) == ([], 0)


def test_two_removals_of_one_event_leave_nothing_of_it(messages: list[int]) -> None:  # noqa: ARG001
    with before_its_commit(partial(remove, 1)) as commit, in_background(partial(remove, 1)) as removing:
        wait_until_blocked()
        commit()
        assert removing.result(LONGEST_SECONDS) == 1

    assert (states(), Event.objects.count()) == ([], 0)


@pytest.mark.usefixtures("messages")
def test_control_without_the_lock_of_the_event_it_stays_without_a_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(old_events, "LOCK_EVENTS", "SELECT %s")
    with before_its_commit(partial(remove, 1)) as commit:
        assert remove(1) == 1
        commit()

    assert (states(), Event.objects.count()) == ([], 1)
