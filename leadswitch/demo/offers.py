"""Two leads that are offered by ping post: the first one is claimed over the real API, the second one by nobody."""

import time
from datetime import UTC, datetime
from typing import Final, NamedTuple

from django.db import transaction

from distribution.models import Buyer, BuyerKey, BuyerScope, Campaign, Enrollment, Offer, Tier
from distribution.money.wallet import top_up
from leadswitch.demo.auction import wait_until_ended
from leadswitch.demo.build import ACTOR, Demo
from leadswitch.demo.direct_post import post, save
from leadswitch.demo.send import SendingFailed
from routing.access.api_keys import Author, issue
from routing.models import Lead, LeadStatus, Workspace

VERTICAL: Final = "garage_doors"
CREDITS_CENTS: Final = 50_000
OFFER_SECONDS: Final = 5
BUYERS: Final = ("Overhead Door Atlanta", "Piedmont Garage Doors")
WAIT_SECONDS: Final = 20.0
POLL_SECONDS: Final = 0.1


class Offered(NamedTuple):
    """Ids of leads."""

    claimed: int
    over: int


def play(demo: Demo, *, address: str) -> Offered:
    """Send both leads, claim the first, and wait until the time of the second is over. Raises SendingFailed."""
    key = build(demo.workspace)
    claimed = _send("iris", demo, address=address)
    offer = _wait_until_offered(claimed)
    post(f"{address}/api/v1/buyer/offers/{offer.public_id}/claim/", {}, Authorization=f"Api-Key {key}")
    over = wait_until_ended(_send("otto", demo, address=address))
    return Offered(Lead.objects.get(public_id=claimed).pk, over)


@transaction.atomic
def build(workspace: Workspace) -> str:
    """Build the campaign with its buyers. Returns the API key of the first one."""
    campaign = Campaign(
        workspace=workspace,
        name="Garage doors, first claim",
        vertical=VERTICAL,
        mode="ping_post",
        price_cents=3_500,
        offer_seconds=OFFER_SECONDS,
        offer_fields=["zip3", "state", "attributes.roof_age"],
        offer_fallback="unsold",
    )
    save(campaign)
    tier = save(Tier(campaign=campaign, position=1, name=""))
    first, _ = [_add_buyer(name, campaign, tier=tier) for name in BUYERS]
    scopes = [BuyerScope.OFFERS_READ.value, BuyerScope.OFFERS_WRITE.value]
    key = BuyerKey(buyer=first, name="demo", scopes=scopes)
    return issue(key, at=datetime.now(UTC), by=Author(ACTOR)).text


def _add_buyer(name: str, campaign: Campaign, *, tier: Tier) -> Buyer:
    area = {"states": ["GA"]}
    buyer = Buyer(workspace=campaign.workspace, name=name, timezone="America/New_York", service_area=area)
    save(buyer)
    key = f"demo:{buyer.public_id}"
    top_up(buyer.pk, amount_cents=CREDITS_CENTS, key=key, actor=ACTOR, reason="opening balance")
    save(Enrollment(campaign=campaign, tier=tier, buyer=buyer))
    return buyer


def _send(name: str, demo: Demo, *, address: str) -> str:
    """Returns the lead's public id."""
    lead = {
        "first_name": name.title(),
        "last_name": "Doors",
        "email": f"{name}.doors@example.com",
        "zip": "30312",
        "vertical": VERTICAL,
        "external_id": f"doors-{name}",
        "attributes": {"roof_age": 18},
    }
    answer = post(f"{address}/api/v1/leads/", lead, Authorization=f"Api-Key {demo.key}")
    return str(answer["id"])


def _wait_until_offered(public_id: str) -> Offer:
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        offer = Offer.objects.filter(lead__public_id=public_id, lead__status=LeadStatus.OFFERED).first()
        if offer is not None:
            return offer
        time.sleep(POLL_SECONDS)
    message = "the lead was not offered in time"
    raise SendingFailed(message)
