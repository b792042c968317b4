"""What the pages about leads and money say: phones, returns that are left, entries, missed auctions, the menu."""

from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from distribution.models import ReturnPolicy
from tests.support.auctions import answer, auction_campaign, auctioned_lead, bidder, close
from tests.support.factories import PortalUserFactory
from tests.support.portal import signed_in
from tests.support.portal_scene import PortalScene, build_portal_scene
from tests.support.returning import return_assignment

pytestmark = pytest.mark.django_db
SYSTEM = "https://bids.example/ping"


@pytest.fixture
def scene() -> PortalScene:
    return build_portal_scene()


@pytest.fixture
def client(scene: PortalScene) -> Client:
    return signed_in(scene.user)


def text(client: Client, path: str) -> str:
    found: Any = client.get(path)
    assert found.status_code == 200
    return str(found.content.decode())


def test_lead_without_a_name_is_listed_by_its_phone(scene: PortalScene, client: Client) -> None:
    lead = scene.sold.lead
    lead.first_name = lead.last_name = ""
    lead.save(update_fields=["first_name", "last_name"])
    assert "(404) 555-0120" in text(client, "/portal/leads/")


@pytest.mark.parametrize("stored", ["single_family", "john_smith"])
def test_value_is_shown_as_a_filter_needs_it(stored: str, scene: PortalScene, client: Client) -> None:
    lead = scene.sold.lead
    lead.attributes = {"property": stored}
    lead.save(update_fields=["attributes"])
    assert f"<dt>Property</dt><dd>{stored}</dd>" in text(client, f"/portal/leads/{scene.sold.public_id}/")


class TestReturns:
    def limit(self, scene: PortalScene, **columns: Any) -> None:
        ReturnPolicy.objects.filter(workspace=scene.campaign.workspace).update(**columns)

    def pages(self, scene: PortalScene) -> tuple[str, str]:
        lead = f"/portal/leads/{scene.sold.public_id}/"
        return lead, f"{lead}return/"

    def test_returns_that_are_left_are_said_before_asking(self, scene: PortalScene, client: Client) -> None:
        self.limit(scene, limit_basis="leads", limit_value=2, limit_period="month")
        for path in self.pages(scene):
            assert "You used 1 of 2 returns for leads sold from " in text(client, path)
        assert "Ask for a return</a>" in text(client, self.pages(scene)[0])

    def test_nothing_can_be_asked_once_no_return_is_left(self, scene: PortalScene, client: Client) -> None:
        self.limit(scene, limit_basis="leads", limit_value=1, limit_period="month")
        lead, form = (text(client, path) for path in self.pages(scene))
        assert "No return is left. You used 1 of 1 return for leads sold from " in lead
        assert "Ask for a return</a>" not in lead
        assert "No return is left." in form
        assert "<textarea" not in form

    def test_limit_of_money_is_in_dollars(self, scene: PortalScene, client: Client) -> None:
        self.limit(scene, limit_basis="revenue_percent", limit_value=100, limit_period="month")
        assert "You used $25.00 of $50.00 for leads sold from " in text(client, self.pages(scene)[1])

    def test_no_limit_is_not_mentioned(self, scene: PortalScene, client: Client) -> None:
        self.limit(scene, limit_basis="none", limit_value=None)
        assert "You used" not in text(client, self.pages(scene)[1])


def test_wallet_names_the_lead_of_each_charge(scene: PortalScene, client: Client) -> None:
    shown = text(client, "/portal/wallet/")
    assert "Grace Hopper 0, Roofing Georgia" in shown
    return_assignment(scene.sold.public_id, actor="ann", reason="wrong number")
    shown = text(client, "/portal/wallet/")
    assert "Grace Hopper 0" not in shown
    assert "Roofing 30312, Roofing Georgia" in shown


class TestAuction:
    def test_lost_auction_names_the_winning_bid_and_links_to_the_bids(self) -> None:
        campaign = auction_campaign(shows_price_to_win=True)
        winner, loser = bidder(campaign, url=SYSTEM), bidder(campaign, url=SYSTEM)
        lead = auctioned_lead(campaign)
        answer(lead, winner, 6_000)
        answer(lead, loser, 3_000)
        assert close(lead).result == "success"
        person = signed_in(PortalUserFactory(buyer=loser.buyer))
        shown = text(person, f"/portal/missed/{lead.public_id}/")
        assert "The smallest bid that would have won it: $60.0" in shown
        assert f'href="/portal/settings/campaigns/{campaign.public_id}/bids/">Change your bids</a>' in shown

    def test_winning_bid_is_hidden_unless_the_campaign_shows_it(self) -> None:
        campaign = auction_campaign()
        winner, loser = bidder(campaign, url=SYSTEM), bidder(campaign, url=SYSTEM)
        lead = auctioned_lead(campaign)
        answer(lead, winner, 6_000)
        answer(lead, loser, 3_000)
        close(lead)
        person = signed_in(PortalUserFactory(buyer=loser.buyer))
        shown = text(person, f"/portal/missed/{lead.public_id}/")
        assert "$60" not in shown
        assert "Change your bids" in shown

    def test_auction_without_a_bid_says_how_to_bid(self) -> None:
        campaign = auction_campaign()
        winner, silent = bidder(campaign, url=SYSTEM), bidder(campaign, url=SYSTEM)
        lead = auctioned_lead(campaign)
        answer(lead, winner, 6_000)
        answer(lead, silent, None, "no_bid")
        close(lead)
        person = signed_in(PortalUserFactory(buyer=silent.buyer))
        shown = text(person, f"/portal/missed/{lead.public_id}/")
        assert "You made no bid, so this cannot be checked." in shown
        assert "Set your bids" in shown


@pytest.mark.parametrize("path", ["/portal/wallet/", "/portal/returns/", "/portal/settings/"])
def test_pages_behind_more_mark_it(path: str, client: Client) -> None:
    assert 'href="/portal/more/" aria-current="true"' in text(client, path)


def test_other_pages_do_not_mark_more(client: Client) -> None:
    assert 'href="/portal/more/" aria-current' not in text(client, "/portal/leads/")


def test_pages_have_an_icon(client: Client) -> None:
    assert 'rel="icon" type="image/svg+xml" href="/static/leadswitch/icon' in text(client, "/portal/")
    assert finders.find("leadswitch/icon.svg")


def test_bid_is_what_is_paid_and_in_an_auction_what_no_rule_fits(scene: PortalScene, client: Client) -> None:
    plain = text(client, f"/portal/settings/campaigns/{scene.campaign.public_id}/")
    assert "What you pay for a lead. Empty: the campaign&#x27;s price." in plain
    assert "rules of bids" not in plain
    rules = [{"when": {}, "bid_cents": 4_500}]
    place = bidder(auction_campaign(), bid_cents=4_000, standing_bids=rules)
    person = signed_in(PortalUserFactory(buyer=place.buyer))
    auction = text(person, f"/portal/settings/campaigns/{place.campaign.public_id}/")
    assert (
        "What you bid for a lead that no rule of your bids fits, and pay if you win. Empty: no bid."
        in auction
    )
    assert "What you pay for a lead" not in auction
    assert (
        f'/portal/settings/campaigns/{place.campaign.public_id}/bids/">Your rules of bids</a> (1 now)'
        in auction
    )
