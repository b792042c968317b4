"""The statements of offers use indexes on filled tables: feed, claims, closing, bids, streams and the reconciler."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from distribution.api.streams.feed import read_missed, read_news
from distribution.attempts import bids, close_offer
from distribution.deliveries.bidding import claim, writing
from distribution.models import Buyer, Enrollment, Offer, OfferBuyer
from distribution.offers import places
from distribution.offers.queries import count_open_offers, find_offer, list_offers, list_open_offers
from distribution.reconcile import offers
from tests.support.factories import CampaignFactory, SourceFactory, enroll
from tests.support.filling import fill_mostly_sold
from tests.support.plans import plan, read_by_table
from tests.support.planting import plant

LEADS = 4_000
BUYERS = 20
OPEN = 10
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
# Yesterday every lead had an offer, which every buyer was shown.
FILL_OFFERS = """
INSERT INTO distribution_offer (
    public_id, kind, lead_id, campaign_id, attempt_id, opened_at, closes_at, state, closed_at, end_reason, max_buyers
)
SELECT gen_random_uuid(), 'ping_post', l.id, c.id, gen_random_uuid(), now() - interval '1 day',
    now() - interval '1 day', 'closed', now() - interval '1 day', 'window_over', 1
FROM routing_lead l CROSS JOIN (SELECT MIN(id) AS id FROM distribution_campaign) c ORDER BY l.id
"""
# The newest ones are still open.
FILL_OPEN = f"""
INSERT INTO distribution_offer (public_id, kind, lead_id, campaign_id, attempt_id, opened_at, closes_at, max_buyers)
SELECT gen_random_uuid(), 'ping_post', l.id, c.id, gen_random_uuid(), now(), now() + interval '1 hour', 1
FROM (SELECT id FROM routing_lead ORDER BY id DESC LIMIT {OPEN}) l
CROSS JOIN (SELECT MIN(id) AS id FROM distribution_campaign) c;
UPDATE routing_lead SET status = 'offered', next_attempt_at = now() + interval '1 hour', due_reason = 'offer_closes',
    finished_at = NULL
WHERE id IN (SELECT lead_id FROM distribution_offer WHERE state = 'open')
"""
FILL_PLACES = """
INSERT INTO distribution_offerbuyer (offer_id, buyer_id, enrollment_id, tier_position, price_cents, visible_at)
SELECT o.id, e.buyer_id, e.id, 1, 1, o.opened_at
FROM distribution_offer o CROSS JOIN distribution_enrollment e ORDER BY o.id
"""
BIG = {"distribution_offer", "distribution_offerbuyer", "routing_lead"}


@pytest.fixture
def buyer(committed_db: None) -> Buyer:  # noqa: ARG001
    campaign = CampaignFactory()
    enroll(campaign, count=BUYERS, credits_cents=100)
    fill_mostly_sold(SourceFactory(workspace=campaign.workspace), count=LEADS)
    for sql in (FILL_OFFERS, FILL_OPEN, FILL_PLACES):
        plant(sql)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    found: Buyer = Enrollment.objects.select_related("buyer").earliest("pk").buyer
    return found


def count_read(call: Callable[[], object]) -> dict[str, float]:
    """How many rows of each big table the last statement of a call reads. None of them is read in full."""
    with CaptureQueriesContext(connection) as captured:
        call()
    read = read_by_table(captured[-1]["sql"].replace("%", "%%"), [])
    assert not [table for table, (indexes, _) in read.items() if table in BIG and "none" in indexes], read
    return {table: rows for table, (_, rows) in read.items() if table in BIG}


def test_feed_of_a_buyer_reads_little_more_than_it_shows(buyer: Buyer) -> None:
    middle = OfferBuyer.objects.filter(buyer=buyer).order_by("pk")[LEADS // 2].pk
    offer = Offer.objects.filter(state="open").earliest("pk")
    calls: dict[str, Callable[[], object]] = {
        "page": partial(list_offers, buyer, limit=51),
        "next page": partial(list_offers, buyer, limit=51, before=middle),
        "open": partial(list_offers, buyer, limit=51, state="open"),
        "open in the portal": partial(list_open_offers, buyer, limit=51),
        "number": partial(count_open_offers, buyer),
        "one": partial(find_offer, offer.public_id, buyer=buyer),
    }
    read = {name: sum(count_read(call).values()) for name, call in calls.items()}
    assert {name: rows for name, rows in read.items() if rows > 500} == {}


def test_claimed_offers_of_a_buyer_are_few(buyer: Buyer) -> None:
    """Ten of 4,000, and the newest ones are not among them."""
    claimed = OfferBuyer.objects.filter(buyer=buyer).order_by("pk").values("pk")[:10]
    plant(
        "UPDATE distribution_offerbuyer SET claimed_at = now(), assignment_id = id WHERE id = ANY(%s)",
        [[each["pk"] for each in claimed]],
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE distribution_offerbuyer")
    assert sum(count_read(partial(list_offers, buyer, limit=51, state="claimed")).values()) <= 500


def test_streams_read_what_they_send(buyer: Buyer) -> None:
    opened = list(Offer.objects.filter(state="open").values_list("pk", flat=True))
    for call in (
        partial(read_news, opened, buyer_ids=[buyer.pk, buyer.pk + 1]),
        partial(read_missed, buyer.pk, after=datetime.now(UTC) - timedelta(minutes=1)),
    ):
        assert sum(count_read(call).values()) <= 500


def test_statements_of_one_offer_find_it_by_index(buyer: Buyer) -> None:
    offer = Offer.objects.filter(state="open").earliest("pk")
    place = OfferBuyer.objects.get(offer=offer, buyer=buyer)
    statements: tuple[tuple[str, list[Any]], ...] = (
        (places.FIND, [uuid4(), buyer.pk, None]),
        (places.LOCK, [place.pk]),
        (close_offer.LOCK, [offer.lead_id]),
        (close_offer.CLOSE, [LONG_AGO, False, offer.lead_id]),
        (close_offer.LATEST, [offer.lead_id, LONG_AGO]),
        (close_offer.WITHDRAW, [offer.pk]),
        (bids.READ, [offer.pk]),
        (bids.RANK, [[place.enrollment_id], [1], [1], offer.pk]),
        (claim.CLAIM, []),
        (writing.MAKE_DUE, [offer.lead_id, offer.pk]),
        (offers.REOPEN, [offer.lead_id]),
        (offers.MOVE, [offer.lead_id]),
        (offers.CLOSE, [offer.lead_id]),
    )
    for sql, parameters in statements:
        indexes, scanned = plan(sql, parameters)
        assert indexes, sql
        assert not scanned & BIG, sql


def test_reconciler_reads_only_what_is_open(buyer: Buyer) -> None:  # noqa: ARG001
    for sql, parameters in ((offers.COUNT, []), (offers.UNFIT, [100])):
        read = read_by_table(sql, parameters)
        assert not [table for table, (indexes, _) in read.items() if table in BIG and "none" in indexes], read
        assert sum(rows for _, rows in read.values()) <= 10 * OPEN
