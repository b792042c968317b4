"""What other rules of bids would have won: bids of rules are made again, bids of systems stay."""

from typing import Any

import pytest
from django.test import Client

from distribution.models import Campaign, Enrollment
from tests.support.auctions import auction_campaign, auctioned_lead, bidder, close
from tests.support.factories import issue_buyer_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return auction_campaign()


def ask(loser: Enrollment, change: dict[str, Any]) -> tuple[int, int]:
    """How many leads were replayed and won."""
    client = Client(headers={"Authorization": f"Api-Key {issue_buyer_key(loser.buyer)}"})
    body = {"enrollments": {str(loser.campaign.public_id): change}}
    answer = client.post("/api/v1/buyer/whatif/", body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    return answer.json()["checked"], answer.json()["won"]


@pytest.mark.parametrize(
    ("change", "won"),
    [
        ({"bid_cents": 4_100}, 1),
        ({"bid_cents": 3_900}, 0),
        ({"standing_bids": [{"when": {"field": "state", "op": "eq", "value": "GA"}, "bid_cents": 4_100}]}, 1),
        ({"standing_bids": [{"when": {"field": "state", "op": "eq", "value": "AL"}, "bid_cents": 4_100}]}, 0),
    ],
)
def test_bid_of_a_rule_is_made_again(campaign: Campaign, change: dict[str, Any], won: int) -> None:
    bidder(campaign, bid_cents=4_000)
    loser = bidder(campaign, bid_cents=3_000)
    assert close(auctioned_lead(campaign, state="GA")).result == "success"
    assert ask(loser, change) == (1, won)
