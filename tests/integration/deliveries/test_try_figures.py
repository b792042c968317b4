"""The figures of tries on a large table: only the time that they are about is read, through its index."""

from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from django.db import connection
from django.utils import timezone

from distribution.deliveries.figures import READ, read_try_figures
from distribution.models import Endpoint
from tests.support.factories import EndpointFactory, LeadFactory
from tests.support.plans import read_by_table
from tests.support.planting import plant

pytestmark = pytest.mark.usefixtures("committed_db")
NEW: Final = 2_000
OLD: Final = 40_000
HOURS: Final = 24
# One delivery with one try each, evenly over a time that ends now. Every fourth is rejected.
FILL: Final = """
WITH sent AS (
    INSERT INTO distribution_delivery (endpoint_id, lead_id, state, tries, ended_at)
    SELECT %(endpoint)s, %(lead)s, 'accepted', 1, now() FROM generate_series(1, %(count)s) RETURNING id
), numbered AS (SELECT id, row_number() OVER () AS n FROM sent)
INSERT INTO distribution_deliverytry (delivery_id, number, started_at, finished_at, outcome, duration_ms)
SELECT id, 1, %(end)s::timestamptz - n * (%(hours)s * interval '1 hour' / %(count)s), now(),
    CASE WHEN n %% 4 = 0 THEN 'rejected' ELSE 'accepted' END, n %% 1000
FROM numbered
"""


@pytest.fixture
def end() -> datetime:
    return timezone.now()


@pytest.fixture
def endpoint(end: datetime) -> Endpoint:
    """A day of tries, and the month before it."""
    endpoint, lead = EndpointFactory(), LeadFactory()
    common = {"endpoint": endpoint.pk, "lead": lead.pk}
    plant(FILL, {**common, "count": OLD, "hours": 30 * HOURS, "end": end - timedelta(hours=HOURS + 1)})
    plant(FILL, {**common, "count": NEW, "hours": HOURS, "end": end})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE distribution_delivery, distribution_deliverytry")
    return endpoint


def test_only_the_tries_of_the_time_are_read(endpoint: Endpoint, end: datetime) -> None:
    bounds: dict[str, Any] = {"start": end - timedelta(hours=HOURS), "end": end}
    for ids in (None, f"{{{endpoint.pk}}}"):
        found = read_by_table(READ, {**bounds, "endpoints": ids})
        assert found["distribution_deliverytry"] == ({"deliverytry_started"}, NEW)


def test_every_try_of_the_time_is_counted_once(endpoint: Endpoint, end: datetime) -> None:
    figures = read_try_figures(end - timedelta(hours=HOURS), end, endpoint_ids=None)

    assert figures.by_endpoint.keys() == {endpoint.pk}
    assert figures.by_endpoint[endpoint.pk] == (NEW * 3 // 4, NEW // 4, 0, 0, 499, 949)
    assert sum(each.total for each in figures.by_hour.values()) == NEW
    assert not figures.is_cut


def test_numbers_are_bounded(endpoint: Endpoint, end: datetime) -> None:
    figures = read_try_figures(end - timedelta(hours=HOURS), end, endpoint_ids=[endpoint.pk], most=500)

    assert figures.by_endpoint[endpoint.pk].total == 500
    assert figures.counted_from == end - timedelta(hours=HOURS) * 500 / NEW
    assert figures.is_cut
