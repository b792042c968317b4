"""Events under parallel sales: once, together with their deliveries, and never without the sale."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Buyer, Campaign, Delivery, Event
from distribution.returns.by_hand import return_by_hand
from tests.support.blocking import holding
from tests.support.factories import CampaignFactory, enroll
from tests.support.race_leads import assert_verified, make_leads, store_snapshot
from tests.support.racing import in_background, race
from tests.support.subscribing import subscribe
from tests.support.waiting import fetch_value, wait_until_blocked

pytestmark = pytest.mark.usefixtures("committed_db")

NOON = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
ROUNDS = 3
EMIT = "SELECT distribution_emit('cap.reached', %s, NULL, NULL, NULL, NULL, NULL, '{}', 'cap:1')"


@pytest.fixture
def campaign() -> Campaign:
    """One buyer with one place a day. A return makes room."""
    made: Campaign = CampaignFactory(price_cents=100, returns_restore_caps=True)
    enroll(made, count=1, credits_cents=1_000_000, cap_day=1)
    store_snapshot(made)
    return made


@pytest.fixture
def buyer(campaign: Campaign) -> Buyer:
    return campaign.enrollments.get().buyer


@contextmanager
def changed_emit(old: str, new: str) -> Iterator[None]:
    """The function that writes events, with another text."""
    source = str(fetch_value("SELECT pg_get_functiondef('distribution_emit'::regproc)", []))
    assert old in source
    run(source.replace(old, new))
    try:
        yield
    finally:
        run(source)


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def count_events() -> int:
    return int(fetch_value("SELECT count(*) FROM distribution_event", []))


def reach_the_cap_again_and_again(campaign: Campaign) -> None:
    """Leads race for the only place, and the one that got it is returned."""
    for _ in range(ROUNDS):
        lead_ids = make_leads(campaign, count=4, received_at=NOON)
        race([partial(distribute_lead, lead_id, at=NOON) for lead_id in lead_ids])
        [sale] = Assignment.objects.filter(state="sold")
        return_by_hand(sale, actor="ann", reason="wrong number", at=NOON)
    assert Assignment.objects.filter(state="returned").count() == ROUNDS


def test_cap_is_reported_once_under_parallel_sales(campaign: Campaign, buyer: Buyer) -> None:
    subscription = subscribe(buyer, "cap.reached")

    reach_the_cap_again_and_again(campaign)

    assert (Event.objects.count(), subscription.deliveries.count()) == (1, 1)
    assert_verified()


def test_control_without_the_key_of_the_period(campaign: Campaign, buyer: Buyer) -> None:
    subscription = subscribe(buyer, "cap.reached")

    with changed_emit("event_facts, event_once", "event_facts, NULL"):
        reach_the_cap_again_and_again(campaign)

    assert (Event.objects.count(), subscription.deliveries.count()) == (ROUNDS, ROUNDS)


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_two_transactions_write_the_same_event_once(buyer: Buyer, end: str) -> None:
    """The second waits for the first. Only if the first is rolled back, it writes the event."""
    subscription = subscribe(buyer, "cap.reached")

    def emit() -> None:
        with connection.cursor() as cursor:
            cursor.execute(EMIT, [buyer.pk])

    with holding(EMIT, [buyer.pk]) as first, in_background(emit):
        wait_until_blocked()
        assert count_events() == 0
        getattr(first, end)()

    assert (Event.objects.count(), subscription.deliveries.count()) == (1, 1)


def test_sale_that_is_rolled_back_leaves_no_event(campaign: Campaign, buyer: Buyer) -> None:
    """The commit of the sale fails, because the deliveries of its events refer to no endpoint."""
    subscribe(buyer, "lead.sold", "cap.reached")
    lost, sold = make_leads(campaign, count=2, received_at=NOON)

    with changed_emit("SELECT unnest(subscribed), event", "SELECT 0, event"):
        outcome = distribute_lead(lost, at=NOON)
    assert outcome.result != "sold"
    assert (Assignment.objects.count(), Event.objects.count(), Delivery.objects.count()) == (0, 0, 0)

    distribute_lead(sold, at=NOON)
    assert [each.kind for each in Event.objects.order_by("kind")] == ["cap.reached", "lead.sold"]
    assert Assignment.objects.count() == 1


def test_event_is_not_written_without_its_deliveries(buyer: Buyer) -> None:
    subscribe(buyer, "cap.reached")

    with (
        changed_emit("SELECT unnest(subscribed), event", "SELECT 0, event"),
        pytest.raises(IntegrityError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(EMIT, [buyer.pk])

    assert (Event.objects.count(), Delivery.objects.count()) == (0, 0)
