"""The exporter's statements on many deliveries: finished ones are not read, and counts are bounded."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from django.db import connection

from distribution.models import Endpoint
from leadswitch.levels import deliveries
from routing.models import Lead
from tests.support.factories import EndpointFactory, LeadFactory
from tests.support.plans import read_by_table
from tests.support.planting import plant

pytestmark = pytest.mark.usefixtures("_filled")

LIMIT: Final = 500
ROWS: Final = 20_000
ENDPOINTS: Final = 10
VALUES: Final = {**deliveries.VALUES, "limit": LIMIT}
FILL: Final = """
INSERT INTO distribution_delivery (endpoint_id, lead_id, state, tries, next_try_at, ended_at)
SELECT %(endpoint)s, %(lead)s, %(state)s::text, 1,
    CASE WHEN %(state)s::text = 'pending' THEN now() - n * interval '1 second' END,
    CASE WHEN %(state)s::text = 'accepted' THEN now() END
FROM generate_series(1, %(count)s) n
"""
FILL_TRIES: Final = """
INSERT INTO distribution_deliverytry (delivery_id, number, started_at, finished_at, outcome)
SELECT id, 1, now() - interval '1 minute', now(), 'unknown' FROM distribution_delivery
"""


def fill(endpoint: Endpoint, lead: Lead, *, state: str, count: int) -> None:
    plant(FILL, {"endpoint": endpoint.pk, "lead": lead.pk, "state": state, "count": count})


@pytest.fixture
def _filled(committed_db: None) -> None:  # noqa: ARG001
    """Endpoints whose messages are finished, and one that fails: some of its messages are due, and some unknown."""
    failing, lead = EndpointFactory(), LeadFactory()
    for endpoint in EndpointFactory.create_batch(ENDPOINTS):
        fill(endpoint, lead, state="accepted", count=ROWS // ENDPOINTS)
    for state in ("accepted", "pending", "unknown"):
        fill(failing, lead, state=state, count=2 * LIMIT)
    plant(FILL_TRIES)
    Endpoint.objects.filter(pk=failing.pk).update(failing_since=datetime.now(UTC) - timedelta(hours=1))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE distribution_delivery, distribution_deliverytry, distribution_endpoint")


def test_due_messages_are_counted_up_to_the_limit() -> None:
    indexes, rows = read_by_table(deliveries.COUNT_DUE, VALUES)["distribution_delivery"]
    assert (indexes, rows) == ({"delivery_next"}, LIMIT)


def test_unknown_messages_are_counted_up_to_the_limit() -> None:
    found = read_by_table(deliveries.COUNT_UNKNOWN, VALUES)
    indexes, rows = found["distribution_delivery"]
    assert indexes == {"delivery_unknown"}
    assert rows <= LIMIT + deliveries.OLDEST_UNKNOWN
    indexes, rows = found["distribution_deliverytry"]
    assert indexes == {"deliverytry_number_unique"}
    assert rows <= deliveries.OLDEST_UNKNOWN


def test_newest_messages_of_a_failing_endpoint_are_read() -> None:
    found = read_by_table(deliveries.COUNT_ENDPOINTS, VALUES)
    indexes, rows = found["distribution_delivery"]
    assert indexes == {"delivery_endpoint"}
    assert rows <= deliveries.NEWEST_MESSAGES
    assert found["distribution_deliverytry"][0] == {"deliverytry_number_unique"}


def test_one_try_is_read_for_the_time_since_the_last() -> None:
    found = read_by_table(deliveries.LAST_TRY, None)
    assert found == {"distribution_deliverytry": ({"distribution_deliverytry_pkey"}, 1)}
