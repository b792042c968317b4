"""The page of bids by hour counts each answer once, in the hour of its auction, of workspaces that a person sees."""

import re
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from distribution.admin import bid_figures
from distribution.admin.bid_charts import HourOfBids, draw_prices, read_bids
from distribution.models import Campaign, Offer, OfferBuyer
from routing.models import Lead
from tests.support.admin_pages import person
from tests.support.auctions import answer, auction_campaign, auction_of, auctioned_lead, bidder, close
from tests.support.factories import WorkspaceFactory
from tests.support.planting import plant

pytestmark = pytest.mark.django_db
PAGE = "admin:distribution_bid_figures"
ASKED = "https://bids.example.com/ping"


def hold_auction(campaign: Campaign, **lead: Any) -> Lead:
    """Bids of $40 and $30, one that declined, one that is late, and one whose answer could not be read."""
    places = [bidder(campaign, url=ASKED) for _ in range(5)]
    held = auctioned_lead(campaign, **lead)
    for place, (cents, outcome) in zip(
        places,
        [(4_000, "bid"), (3_000, "bid"), (None, "no_bid"), (None, "timeout"), (None, "error")],
        strict=True,
    ):
        answer(held, place, cents, outcome)
    close(held)
    return held


@pytest.fixture
def campaign() -> Campaign:
    return auction_campaign()


def read(campaign: Campaign, *, hours_ago: int = 1) -> list[HourOfBids]:
    start = timezone.now() - timedelta(hours=hours_ago)
    return list(read_bids(start, workspace_ids=[campaign.workspace_id]).by_hour.values())


def move_back(lead: Lead, *, hours: int) -> None:
    """Its auction was opened this much earlier."""
    for offer in Offer.objects.filter(lead=lead):
        Offer.objects.filter(pk=offer.pk).update(opened_at=offer.opened_at - timedelta(hours=hours))


def test_each_answer_is_counted_once(campaign: Campaign) -> None:
    hold_auction(campaign)
    assert read(campaign) == [
        HourOfBids(bid=2, declined=1, late=1, failed=1, unanswered=0, best_cents=4_000, median_cents=3_000)
    ]


def test_buyer_without_an_answer_is_unanswered_once_the_auction_is_closed(campaign: Campaign) -> None:
    """An open auction says nothing yet, and neither do the answers that it has."""
    places = [bidder(campaign, url=ASKED) for _ in range(3)]
    lead = auctioned_lead(campaign)
    answer(lead, places[0], 4_000)
    answer(lead, places[1], None, "error")
    assert read(campaign) == []
    close(lead)
    assert OfferBuyer.objects.get(offer__lead=lead, enrollment=places[2]).bid_outcome == ""
    assert read(campaign) == [
        HourOfBids(bid=1, failed=1, unanswered=1, best_cents=4_000, median_cents=4_000),
    ]


def test_standing_bid_of_a_buyer_whose_system_is_late_is_a_bid(campaign: Campaign) -> None:
    """The auction counts it, and it wins here."""
    slow, other = bidder(campaign, url=ASKED, bid_cents=3_500), bidder(campaign, url=ASKED)
    lead = auctioned_lead(campaign)
    answer(lead, slow, None, "timeout")
    answer(lead, other, 3_000)
    assert close(lead).charged_cents == 3_500
    assert read(campaign) == [HourOfBids(bid=2, best_cents=3_500, median_cents=3_000)]


def test_auctions_that_are_too_many_are_left_out_and_the_time_is_named(campaign: Campaign) -> None:
    start = timezone.now() - timedelta(hours=9)
    earlier, later = hold_auction(campaign), hold_auction(campaign)
    move_back(earlier, hours=2)
    move_back(later, hours=1)
    ids = [campaign.workspace_id]
    opened_at = auction_of(later).opened_at
    whole, cut = (read_bids(start, workspace_ids=ids, most=most) for most in (2, 1))
    assert (len(whole.by_hour), whole.counted_from, whole.is_cut) == (2, start, False)
    assert (cut.counted_from, cut.is_cut) == (opened_at, True)
    assert [(hour, each.bid) for hour, each in cut.by_hour.items()] == [
        (opened_at.replace(minute=0, second=0, microsecond=0), 2)
    ]


def test_auctions_before_the_window_of_tests_and_of_others_are_left_out(campaign: Campaign) -> None:
    hold_auction(campaign)
    other = hold_auction(auction_campaign(workspace=WorkspaceFactory()))
    assert other.workspace_id != campaign.workspace_id
    assert [each.bid for each in read(campaign)] == [2]
    assert read(campaign, hours_ago=-1) == []
    plant("UPDATE routing_lead SET is_test = true")
    assert read(campaign) == []


def test_best_bid_is_the_one_that_ranked_first(campaign: Campaign) -> None:
    """Ranks are by bid less margin and returns."""
    lead = hold_auction(campaign)
    places = OfferBuyer.objects.filter(offer__lead=lead, rank__isnull=False)
    high, low = places.order_by("-bid_cents")
    for place, rank in ((high, 2), (low, 1)):
        OfferBuyer.objects.filter(pk=place.pk).update(rank=rank)
    assert read(campaign)[0].best_cents == 3_000


def test_hour_without_a_bid_is_a_gap() -> None:
    end = timezone.now().replace(minute=30, second=0, microsecond=0)
    start = end.replace(minute=0) - timedelta(hours=1)
    by_hour = {start: HourOfBids(1, best_cents=4_150, median_cents=4_150)}
    chart = draw_prices(by_hour, start=start, end=end)
    assert chart.data["columns"] == [
        [int(start.timestamp()), int(start.timestamp()) + 3_600],
        [41.5, None],
        [41.5, None],
    ]
    assert chart.rows == [(f"{start:%Y-%m-%d %H:%M}", ["$41.50", "$41.50"])]


class TestPage:
    def page(self, user: User, query: str = "") -> Any:
        client = Client()
        client.force_login(user)
        return client.get(f"{reverse(PAGE)}{query}")

    def test_tables_have_the_numbers_of_the_charts(self, campaign: Campaign) -> None:
        hold_auction(campaign)
        shown = self.page(person("operator", campaign.workspace)).content.decode()
        rows = re.findall(r'<tr><th scope="row">[^<]+</th>((?:<td>[^<]+</td>)+)</tr>', shown)
        assert [re.findall(r"<td>([^<]+)</td>", row) for row in rows] == [
            ["2", "1", "1", "1", "0"],
            ["$40.00", "$30.00"],
        ]
        assert 'id="health-data"' in shown
        assert "Last 24 hours</h2>" in shown
        assert "figures-cut" not in shown

    def test_page_says_since_when_it_counts(
        self, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        earlier, later = hold_auction(campaign), hold_auction(campaign)
        move_back(earlier, hours=1)
        monkeypatch.setattr(bid_figures, "read_bids", partial(read_bids, most=1))
        shown = self.page(person("operator", campaign.workspace)).content.decode()
        since = f"{auction_of(later).opened_at:%Y-%m-%d %H:%M:%S} UTC"
        assert f"Only those that were opened since {since} are counted." in shown

    def test_page_without_auctions_says_so(self, campaign: Campaign) -> None:
        hold_auction(campaign)
        shown = self.page(person("operator", WorkspaceFactory())).content.decode()
        assert "No auction was opened and closed in the last 24 hours." in shown
        assert "health-data" not in shown

    def test_foreign_workspace_is_not_found(self, campaign: Campaign) -> None:
        user = person("operator", WorkspaceFactory())
        assert self.page(user, f"?workspace={campaign.workspace_id}").status_code == 404
