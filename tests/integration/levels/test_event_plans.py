"""The exporter's statements on many messages of events: piles and the past are not read."""

import pytest
from django.db import connection

from distribution.deliveries.ends import GIVEN_UP
from leadswitch.levels.exporter.collectors import events
from tests.support.factories import BuyerFactory, DeliveryFactory, SubscriptionFactory
from tests.support.plans import read_by_table
from tests.support.planting import plant

pytestmark = pytest.mark.usefixtures("committed_db")

LIMIT, PILE, LOST = 100, 10_000, 30
FILL = """
WITH happened AS (
    INSERT INTO distribution_event (kind, happened_at, buyer_id, facts)
    SELECT 'wallet.low', now(), 1, '{}' FROM generate_series(1, %(count)s) RETURNING id
)
INSERT INTO distribution_delivery (endpoint_id, event_id, state, tries, next_try_at, ended_at, end_reason)
SELECT %(endpoint)s, id, %(state)s::text, 0, CASE WHEN %(state)s::text = 'pending' THEN now() END,
    CASE WHEN %(state)s::text <> 'pending' THEN now() - %(hours)s * interval '1 hour' END, %(reason)s FROM happened
"""
LEADS = """
INSERT INTO distribution_delivery (endpoint_id, lead_id, state, tries, next_try_at)
SELECT endpoint_id, lead_id, 'pending', 0, now() FROM distribution_delivery, generate_series(1, 10000)
WHERE id = %s
"""


@pytest.fixture(autouse=True)
def _filled(committed_db: None) -> None:  # noqa: ARG001
    subscription = SubscriptionFactory(buyer=BuyerFactory())
    common = {"endpoint": subscription.pk, "reason": GIVEN_UP}
    for state in ("accepted", "cancelled", "rejected"):
        plant(FILL, {**common, "state": state, "count": PILE, "hours": 24})
    plant(FILL, {**common, "state": "accepted", "count": PILE, "hours": 0})
    plant(FILL, {**common, "state": "cancelled", "count": LOST, "hours": 0})
    plant(FILL, {**common, "state": "pending", "count": PILE, "hours": 0})
    plant(LEADS, [DeliveryFactory().pk])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE distribution_delivery, distribution_event, distribution_endpoint")


def test_waiting_messages_of_a_subscription_are_counted_up_to_the_limit() -> None:
    found = read_by_table(events.COUNT_WAITING, {"limit": LIMIT})
    assert found["distribution_delivery"] == ({"delivery_due"}, LIMIT)


def test_lost_messages_of_the_last_hour_are_read() -> None:
    found = read_by_table(events.COUNT_LOST, {"given_up": GIVEN_UP, "limit": LIMIT})
    assert found["distribution_delivery"] == ({"delivery_event_ended"}, LOST)
