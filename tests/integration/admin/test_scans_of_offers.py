"""Lists of offers, pings and card payments: rare values, silent workspaces and searches read few of many rows."""

from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client

from distribution.models import Bid, Campaign, CardPayment, Enrollment, Offer
from routing.models import Ping, Source, Workspace
from tests.support.admin_pages import client_of, page
from tests.support.factories import (
    BuyerFactory,
    CampaignFactory,
    CardPaymentFactory,
    EnrollmentFactory,
    SourceFactory,
    WorkspaceFactory,
)
from tests.support.filling import fill_leads
from tests.support.planting import plant
from tests.support.rare_values import PAGE, analyze, ask
from tracing.admin.keyset import MAX_SCANNED

ROWS: Final = 20_000
# The first one is the only auction, and the last one is the only open one.
FILL_OFFERS: Final = """
INSERT INTO distribution_offer (
    public_id, kind, lead_id, campaign_id, attempt_id, opened_at, closes_at, state, closed_at, end_reason, max_buyers
)
SELECT gen_random_uuid(), CASE WHEN n = 1 THEN 'auction' ELSE 'ping_post' END, l.id, %(campaign)s, gen_random_uuid(),
    now(), now(), CASE WHEN n = %(rows)s THEN 'open' ELSE 'closed' END, CASE WHEN n < %(rows)s THEN now() END,
    CASE WHEN n < %(rows)s THEN 'window_over' ELSE '' END, 1
FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM routing_lead) l
"""
# The first one is the only test, and the only one without a price.
FILL_PINGS: Final = """
INSERT INTO routing_ping (public_id, source_id, campaign_id, price_cents, reason, digests, is_test, expires_at)
SELECT gen_random_uuid(), %(source)s, 1, CASE WHEN n > 1 THEN 1 END, CASE WHEN n = 1 THEN 'no_campaign' ELSE '' END,
    '{}', n = 1, now() + interval '1 hour'
FROM generate_series(1, %(rows)s) n
"""
# The first one is the only recharge.
FILL_PAYMENTS: Final = """
INSERT INTO distribution_cardpayment (
    public_id, workspace_id, wallet_id, card_id, origin, actor, amount_cents, state, failure_code, tries, ended_at,
    refunded_cents
)
SELECT gen_random_uuid(), workspace_id, wallet_id, card_id, CASE WHEN n = 1 THEN 'recharge' ELSE 'buyer' END, 'x', 5000,
    'failed', 'card_declined', 1, now(), 0
FROM distribution_cardpayment CROSS JOIN generate_series(1, %(rows)s) n
"""
# One for each offer, of the one enrollment. The first one is the only late one.
FILL_BIDS: Final = """
INSERT INTO distribution_offerbuyer (
    offer_id, buyer_id, enrollment_id, tier_position, visible_at, asked_at, bid_outcome, bid_cents
)
SELECT o.id, %(buyer)s, %(enrollment)s, 1, now(), now(), CASE WHEN n = 1 THEN 'late' ELSE 'bid' END, 1000
FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM distribution_offer) o
"""


@pytest.fixture
def client(committed_db: None) -> Client:  # noqa: ARG001
    return client_of(User.objects.create_superuser("root"))


@pytest.fixture
def campaign(client: Client) -> Campaign:  # noqa: ARG001 - the database is empty before
    found: Campaign = CampaignFactory()
    fill_leads(SourceFactory(workspace=found.workspace), count=ROWS)
    plant(FILL_OFFERS, {"campaign": found.pk, "rows": ROWS})
    analyze()
    return found


@pytest.fixture
def enrollment(campaign: Campaign) -> Enrollment:
    """Its buyer bid in every auction."""
    found: Enrollment = EnrollmentFactory(campaign=campaign)
    Campaign.objects.update(mode="auction")
    Offer.objects.update(kind="auction")
    plant(FILL_BIDS, {"buyer": found.buyer_id, "enrollment": found.pk})
    analyze()
    return found


@pytest.fixture
def source(client: Client) -> Source:  # noqa: ARG001
    found: Source = SourceFactory()
    plant(FILL_PINGS, {"source": found.pk, "rows": ROWS})
    analyze()
    return found


@pytest.fixture
def payment(client: Client) -> CardPayment:  # noqa: ARG001
    found: CardPayment = CardPaymentFactory()
    plant(FILL_PAYMENTS, {"rows": ROWS})
    analyze()
    return found


def rows_of(client: Client, model: type[Model], **filters: object) -> tuple[list[Any], int]:
    answer, read = ask(client, model, **filters)
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list), read


def assert_bounded(client: Client, model: type[Model], *, tables: int = 1, **filters: object) -> None:
    """It finds nothing among the newest rows, and says how far it looked. A row may be of several tables."""
    answer, read = ask(client, model, **filters)
    assert answer.context["cl"].result_list == []
    assert "have been searched" in answer.content.decode()
    assert read <= (1 + tables) * MAX_SCANNED + PAGE


def assert_silent(client: Client, model: type[Model], silent: Workspace, **filters: object) -> None:
    found, read = rows_of(client, model, workspace=silent.pk, **filters)
    assert (found, read <= PAGE) == ([], True), read


@pytest.mark.usefixtures("campaign")
def test_offers_of_a_rare_kind_are_searched_in_bounds(client: Client) -> None:
    assert_bounded(client, Offer, kind__exact="auction")
    assert_bounded(client, Offer, kind__exact="auction", state__exact="closed")


@pytest.mark.usefixtures("campaign")
def test_open_offers_are_found_by_index(client: Client) -> None:
    found, read = rows_of(client, Offer, state__exact="open")
    assert ([each.state for each in found], read <= 2 * PAGE) == (["open"], True)


def test_offers_of_a_workspace(client: Client, campaign: Campaign) -> None:
    assert_silent(client, Offer, WorkspaceFactory())
    assert_silent(client, Offer, CampaignFactory().workspace, kind__exact="auction")
    found, read = rows_of(client, Offer, workspace=campaign.workspace_id)
    assert (len(found), read <= 5 * PAGE) == (PAGE, True)


@pytest.mark.usefixtures("campaign")
def test_offer_is_found_by_its_id_and_by_its_lead(client: Client) -> None:
    offer = Offer.objects.select_related("lead").earliest("pk")
    for text in (offer.public_id, offer.lead.public_id):
        found, read = rows_of(client, Offer, q=text)
        assert (found, read <= PAGE) == ([offer], True)
    assert rows_of(client, Offer, q="anything")[0] == []


def test_rare_bids_are_searched_in_bounds(client: Client, enrollment: Enrollment) -> None:
    assert_bounded(client, Bid, tables=2, outcome="late")
    assert_bounded(client, Bid, tables=2, campaign=CampaignFactory(mode="auction").pk)
    found, read = rows_of(client, Bid)  # rows of ping posts may lie between, so it looks for its end too
    assert (len(found), read <= 2 * MAX_SCANNED + PAGE) == (PAGE, True)
    found, read = rows_of(client, Bid, buyer=enrollment.buyer_id)
    assert (len(found), read <= 8 * PAGE) == (PAGE, True)
    assert rows_of(client, Bid, buyer=BuyerFactory().pk) == ([], 0)


def test_bids_behind_many_ping_posts_are_searched_in_bounds(client: Client, enrollment: Enrollment) -> None:
    """The page says how far it looked, and the next one goes on there."""
    first = Bid.objects.filter(enrollment=enrollment).earliest("pk")
    Offer.objects.exclude(pk=first.offer_id).update(kind="ping_post")
    analyze()
    assert_bounded(
        client, Bid, tables=3
    )  # so few offers are read as a whole: that costs less than 8,000 look-ups
    seen: list[Any] = []
    query = "?"
    for _ in range(ROWS // MAX_SCANNED + 1):
        shown = client.get(page(Bid, "changelist") + query).context["cl"]
        seen += shown.result_list
        query = shown.older_url
    assert (seen, query) == ([first], "")


def test_bid_is_found_by_its_auction(client: Client, enrollment: Enrollment) -> None:
    bid = Bid.objects.select_related("offer").filter(enrollment=enrollment).earliest("pk")
    found, read = rows_of(client, Bid, q=bid.offer.public_id)
    assert (found, read <= PAGE) == ([bid], True)


@pytest.mark.usefixtures("source")
@pytest.mark.parametrize(
    "filters", [{"answer": "no_price"}, {"lead": "with_a_lead"}, {"is_test__exact": 1}], ids=str
)
def test_rare_pings_are_searched_in_bounds(client: Client, filters: dict[str, Any]) -> None:
    assert_bounded(client, Ping, **filters)


def test_pings_of_a_workspace(client: Client, source: Source) -> None:
    assert_silent(client, Ping, WorkspaceFactory())
    assert_silent(client, Ping, SourceFactory().workspace, answer="no_price")
    found, read = rows_of(client, Ping, workspace=source.workspace_id)
    assert (len(found), read <= 5 * PAGE) == (PAGE, True)


def test_pings_are_found_by_id_and_by_source(client: Client, source: Source) -> None:
    ping = Ping.objects.earliest("pk")
    found, read = rows_of(client, Ping, q=ping.public_id)
    assert (found, read <= PAGE) == ([ping], True)
    found, read = rows_of(client, Ping, q=source.name)
    assert (len(found), read <= 5 * PAGE) == (PAGE, True)
    other = SourceFactory()
    assert rows_of(client, Ping, q=other.name) == ([], 0)


@pytest.mark.usefixtures("payment")
def test_rare_card_payments_are_searched_in_bounds(client: Client) -> None:
    assert_bounded(client, CardPayment, origin__exact="recharge")
    assert_bounded(client, CardPayment, state__exact="canceled")


def test_card_payments_of_a_workspace_and_by_id(client: Client, payment: CardPayment) -> None:
    assert_silent(client, CardPayment, WorkspaceFactory())
    found, read = rows_of(client, CardPayment, workspace=payment.workspace_id)
    assert (len(found), read <= 5 * PAGE) == (PAGE, True)
    found, read = rows_of(client, CardPayment, q=payment.public_id)
    assert (found, read <= PAGE) == ([payment], True)
