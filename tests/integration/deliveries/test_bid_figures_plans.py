"""The figures of bids on large tables: only the auctions of the time that they are about are read, by their ids."""

from datetime import datetime, timedelta
from typing import Final

import pytest
from django.db import connection
from django.utils import timezone

from distribution.admin.bid_charts import FIND_BOUND, READ, make_parameters, read_bids
from distribution.models import Campaign
from tests.support.auctions import auction_campaign
from tests.support.factories import EnrollmentFactory, SourceFactory
from tests.support.filling import fill_leads
from tests.support.plans import read_by_table
from tests.support.planting import plant

pytestmark = pytest.mark.usefixtures("committed_db")
NEW: Final = 1_000
OLD: Final = 20_000
HOURS: Final = 24
# One closed auction for each lead: the newest leads have those of the last day, the others those of the month before.
FILL_AUCTIONS: Final = """
WITH numbered AS (SELECT id, row_number() OVER (ORDER BY id DESC) AS n FROM routing_lead), timed AS (
    SELECT id, n, %(end)s::timestamptz - interval '1 hour' * CASE WHEN n <= %(new)s THEN n * %(hours)s / %(new)s::float
        ELSE %(hours)s + 2 + (n - %(new)s) * 720 / %(old)s::float END AS at
    FROM numbered
)
INSERT INTO distribution_offer (
    public_id, kind, lead_id, campaign_id, attempt_id, opened_at, closes_at, state, closed_at, end_reason, max_buyers
)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
    'auction', id, %(campaign)s, gen_random_uuid(), at, at, 'closed', at, 'bids_in', 1
FROM timed ORDER BY id
"""
FILL_BIDS: Final = """
INSERT INTO distribution_offerbuyer (
    offer_id, buyer_id, enrollment_id, tier_position, price_cents, visible_at, bid_cents, bid_outcome, rank
)
SELECT o.id, e.buyer_id, e.id, 1, 1, o.opened_at, 4000, 'bid', 1
FROM distribution_offer o CROSS JOIN distribution_enrollment e ORDER BY o.id
"""


@pytest.fixture
def end() -> datetime:
    return timezone.now()


@pytest.fixture
def campaign(end: datetime) -> Campaign:
    """A day of auctions, and the month before it."""
    campaign = auction_campaign()
    EnrollmentFactory(campaign=campaign)
    fill_leads(SourceFactory(workspace=campaign.workspace), count=NEW + OLD)
    plant(FILL_AUCTIONS, {"end": end, "new": NEW, "old": OLD, "hours": HOURS, "campaign": campaign.pk})
    plant(FILL_BIDS)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return campaign


def test_only_the_auctions_of_the_time_are_read(campaign: Campaign, end: datetime) -> None:
    start = end - timedelta(hours=HOURS, minutes=1)
    for ids in (None, [campaign.workspace_id]):
        given = make_parameters(start, ids)
        for sql, parameters in ((READ, given), (FIND_BOUND, {**given, "most": NEW})):
            [index], read = read_by_table(sql, parameters)["distribution_offer"]
            assert "public_id" in index
            assert read == NEW


def test_every_bid_of_the_time_is_counted_once(campaign: Campaign, end: datetime) -> None:
    start = end - timedelta(hours=HOURS, minutes=1)
    figures = read_bids(start, workspace_ids=[campaign.workspace_id], most=NEW)
    assert sum(each.bid for each in figures.by_hour.values()) == NEW
    assert not figures.is_cut


def test_numbers_are_bounded(campaign: Campaign, end: datetime) -> None:
    start = end - timedelta(hours=HOURS, minutes=1)
    figures = read_bids(start, workspace_ids=[campaign.workspace_id], most=NEW // 2)
    assert sum(each.bid for each in figures.by_hour.values()) == NEW // 2
    assert figures.counted_from == end - timedelta(hours=HOURS) / 2
    assert figures.is_cut
