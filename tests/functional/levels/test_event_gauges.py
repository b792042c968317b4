"""The gauges of messages of events, by kind of event."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from distribution.deliveries.ended_subscriptions import turn_off
from distribution.deliveries.ends import GIVEN_UP
from distribution.models import Delivery, Endpoint, EventKind, Subscription
from leadswitch.levels.exporter.collectors.events import EVENTS
from tests.support.delivery_breaches import new_event
from tests.support.factories import BuyerFactory, DeliveryFactory, SubscriptionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def subscription() -> Subscription:
    made: Subscription = SubscriptionFactory(buyer=BuyerFactory())
    return made


def read(name: str) -> dict[str, float]:
    """Only the kinds that are not 0."""
    found = {series.name.removeprefix("leadswitch_"): value for series, value in EVENTS.read().items()}
    by_kind: Any = found[name]
    assert by_kind.keys() == set(EventKind.values)
    return {kind: value for kind, value in by_kind.items() if value}


def ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


def message(
    subscription: Subscription, kind: str, *, happened_at: datetime | None = None, **columns: Any
) -> Delivery:
    event = new_event(kind=kind, buyer_id=subscription.buyer_id, happened_at=happened_at or ago(seconds=1))
    made: Delivery = DeliveryFactory(endpoint=subscription, lead=None, event=event, **columns)
    return made


def ended(subscription: Subscription, kind: str, *, state: str, at: datetime, reason: str = "") -> None:
    end = {"state": state, "next_try_at": None, "ended_at": at, "end_reason": reason}
    message(subscription, kind, **end)


def test_without_events_every_kind_is_0() -> None:
    assert [read(name) for name in ("events_waiting", "event_oldest_waiting_age_seconds", "events_lost")] == [
        {},
        {},
        {},
    ]


def test_messages_that_wait_are_counted_by_kind(subscription: Subscription) -> None:
    for minutes in (5, 90):
        message(subscription, "lead.sold", happened_at=ago(minutes=minutes), next_try_at=ago(seconds=-600))
    message(subscription, "wallet.low", happened_at=ago(minutes=10))
    ended(subscription, "cap.reached", state="accepted", at=ago(seconds=1))
    DeliveryFactory()  # a lead

    assert read("events_waiting") == {"lead.sold": 2, "wallet.low": 1}
    ages = read("event_oldest_waiting_age_seconds")
    assert ages == {"lead.sold": pytest.approx(5_400, abs=30), "wallet.low": pytest.approx(600, abs=30)}


@pytest.mark.parametrize(
    "off", [{"active": False}, {"disabled_at": ago(days=1), "disabled_reason": "gone_410"}]
)
def test_messages_of_a_subscription_that_is_off_wait_for_a_person(
    subscription: Subscription, off: dict[str, Any]
) -> None:
    message(subscription, "lead.sold")
    Endpoint.objects.filter(pk=subscription.pk).update(**off)

    assert read("events_waiting") == {}


def test_messages_that_no_subscriber_got_are_counted_for_an_hour(subscription: Subscription) -> None:
    ended(subscription, "lead.sold", state="rejected", at=ago(minutes=59), reason="status_422")
    ended(subscription, "lead.sold", state="cancelled", at=ago(minutes=1), reason=GIVEN_UP)
    ended(subscription, "wallet.low", state="cancelled", at=ago(minutes=1), reason=GIVEN_UP)
    ended(subscription, "cap.reached", state="rejected", at=ago(minutes=61), reason="status_422")
    ended(subscription, "lead.returned", state="accepted", at=ago(minutes=1))

    assert read("events_lost") == {"lead.sold": 2, "wallet.low": 1}


def test_messages_of_an_ended_subscription_are_not_lost(subscription: Subscription) -> None:
    message(subscription, "lead.sold")
    turn_off(subscription, actor="key", action="ended", reason="", at=datetime.now(UTC))

    assert (read("events_lost"), read("events_waiting")) == ({}, {})
