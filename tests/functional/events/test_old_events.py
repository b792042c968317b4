"""Messages of events are removed some time after they ended, and an event with its last message."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from prometheus_client import REGISTRY

from distribution.deliveries.by_hand import ResolutionRefused, resend
from distribution.deliveries.old_events import LOCK_OLD, remove_old_events
from distribution.models import Delivery, DeliveryTry, Event, Subscription
from distribution.verify import run_verification
from leadswitch.env.deliveries import Deliveries
from routing.reconcile import find_reconciler, run_reconciler
from tests.functional.verify.world import broken
from tests.support.delivery_breaches import new_event, new_try
from tests.support.factories import BuyerFactory, DeliveryFactory, SubscriptionFactory
from tests.support.plans import read_by_table
from tests.support.planting import plant

pytestmark = pytest.mark.usefixtures("committed_db")

KEPT = timedelta(days=settings.LEADSWITCH_EVENT_DAYS)


@pytest.fixture
def subscription() -> Subscription:
    made: Subscription = SubscriptionFactory(buyer=BuyerFactory())
    return made


def happened(subscription: Subscription, *, at: datetime) -> Event:
    return new_event(buyer_id=subscription.buyer_id, happened_at=at)


def message(subscription: Subscription, event: Event, *, ended_at: datetime | None, **columns: Any) -> int:
    """The message of an event, with one try."""
    end = {"next_try_at": None, "ended_at": ended_at, "state": "accepted", "end_reason": "x"}
    sent = DeliveryFactory(
        endpoint=subscription,
        lead=None,
        event=event,
        tries=1,
        **({**end, **columns} if ended_at else columns),
    )
    new_try(delivery=sent, finished_at=event.happened_at, outcome="accepted" if ended_at else "unknown")
    return int(sent.pk)


def counted_removals() -> float:
    return REGISTRY.get_sample_value("leadswitch_event_messages_removed_total") or 0


def remaining() -> tuple[list[int], list[int], int]:
    """Messages, messages of tries, and the number of events."""
    return (
        list(Delivery.objects.order_by("pk").values_list("pk", flat=True)),
        list(DeliveryTry.objects.order_by("delivery_id").values_list("delivery_id", flat=True)),
        Event.objects.count(),
    )


def remove(**limit: int) -> int:
    return remove_old_events(at=timezone.now(), **{"limit": 100, **limit})


@pytest.mark.parametrize("state", ["accepted", "rejected", "cancelled"])
def test_old_event_goes_with_its_message_and_its_tries(subscription: Subscription, state: str) -> None:
    now, counted = timezone.now(), counted_removals()
    old, young = (happened(subscription, at=now - KEPT - timedelta(days=1)) for _ in range(2))
    message(subscription, old, ended_at=now - KEPT - timedelta(minutes=1), state=state)
    kept = message(subscription, young, ended_at=now - KEPT + timedelta(minutes=1), state=state)

    run_reconciler(find_reconciler("deliveries"), fix=False)
    assert Event.objects.count() == 2, "a report removes nothing"
    run_reconciler(find_reconciler("deliveries"), fix=True)

    assert remaining() == ([kept], [kept], 1)
    assert Event.objects.get() == young
    assert counted_removals() == counted + 1
    assert broken(run_verification()) == {}


@pytest.mark.parametrize("state", ["pending", "posting", "unknown"])
def test_message_without_an_end_keeps_its_event(subscription: Subscription, state: str) -> None:
    now = timezone.now()
    event = happened(subscription, at=now - 2 * KEPT)
    waits: dict[str, Any] = {
        "pending": {"next_try_at": now},
        "posting": {"next_try_at": None, "leased_until": now},
        "unknown": {"next_try_at": None, "end_reason": "x"},
    }
    kept = message(subscription, event, ended_at=None, state=state, **waits[state])
    other = SubscriptionFactory(buyer=subscription.buyer)
    message(other, event, ended_at=now - KEPT - timedelta(days=1))

    assert remove() == 1

    assert remaining() == ([kept], [kept], 1)
    assert remove() == 0


def test_message_that_was_sent_again_keeps_its_event(subscription: Subscription) -> None:
    now = timezone.now()
    event = happened(subscription, at=now - KEPT - timedelta(days=1))
    old = message(subscription, event, ended_at=now - KEPT - timedelta(minutes=1))
    again = resend(old, at=now, actor="ann", reason="they lost it")

    assert remove() == 1

    assert remaining() == ([again.pk], [], 1)
    again.refresh_from_db()
    assert (again.state, again.event_id) == ("pending", event.pk)


def test_message_that_was_removed_is_not_sent_again(subscription: Subscription) -> None:
    now = timezone.now()
    old = message(subscription, happened(subscription, at=now - 2 * KEPT), ended_at=now - 2 * KEPT)
    assert remove() == 1

    with pytest.raises(ResolutionRefused, match="just removed"):
        resend(old, at=now, actor="ann", reason="they lost it")

    assert remaining() == ([], [], 0)


def test_leads_are_kept(subscription: Subscription) -> None:
    now = timezone.now()
    event = happened(subscription, at=now - 2 * KEPT)
    message(subscription, event, ended_at=now - 2 * KEPT)
    of_lead = DeliveryFactory(state="accepted", next_try_at=None, ended_at=now - 2 * KEPT)

    assert remove() == 1

    assert remaining() == ([of_lead.pk], [], 0)


def test_one_run_removes_at_most_its_limit(subscription: Subscription) -> None:
    now = timezone.now()
    for _ in range(3):
        message(subscription, happened(subscription, at=now - 2 * KEPT), ended_at=now - 2 * KEPT)

    assert [remove(limit=2), Event.objects.count()] == [2, 1]
    assert [remove(limit=2), Event.objects.count()] == [1, 0]


def test_default_is_longer_than_the_database_allows() -> None:
    assert Deliveries.event_days.parse.lowest == 35
    assert settings.LEADSWITCH_EVENT_DAYS == 90


FILL = """
WITH happened AS (
    INSERT INTO distribution_event (kind, happened_at, buyer_id, facts)
    SELECT 'wallet.low', now() - %(days)s * interval '1 day', 1, '{}' FROM generate_series(1, %(count)s) RETURNING id
)
INSERT INTO distribution_delivery (endpoint_id, event_id, state, tries, ended_at)
SELECT %(endpoint)s, id, %(state)s, 0, now() - %(days)s * interval '1 day' FROM happened
"""


def test_only_old_messages_are_read(subscription: Subscription) -> None:
    """However many messages are young, and however many leads were delivered long ago."""
    common = {"endpoint": subscription.pk}
    for state in ("accepted", "rejected", "cancelled"):
        plant(FILL, {**common, "state": state, "days": 1, "count": 5_000})
        plant(FILL, {**common, "state": state, "days": 200, "count": 10})
    lead = DeliveryFactory(state="accepted", next_try_at=None, ended_at=timezone.now() - 2 * KEPT)
    plant(
        "INSERT INTO distribution_delivery (endpoint_id, lead_id, state, tries, ended_at)"
        " SELECT %s, %s, 'accepted', 0, now() - interval '200 days' FROM generate_series(1, 5000)",
        [lead.endpoint_id, lead.lead_id],
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE distribution_delivery, distribution_event")

    before = timezone.now() - KEPT
    found = read_by_table(LOCK_OLD, {"before": before, "limit": 1_000})

    assert found == {"distribution_delivery": ({"delivery_event_ended"}, 30)}
    assert remove(limit=1_000) == 30
