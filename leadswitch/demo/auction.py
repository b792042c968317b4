"""One lead for which buyers bid: two by their systems, one too late, one declines, and one has a standing bid.

It goes through the real API, the real deliverer, and systems of buyers in a process of their own.
"""

import time
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from distribution.deliveries.enabling import disable_by_hand
from distribution.models import Buyer, Campaign, Endpoint, Enrollment, PingEndpoint, Purpose, Tier
from distribution.money.wallet import top_up
from leadswitch.demo.build import ACTOR, Demo
from leadswitch.demo.direct_post import post, running_buyers, save
from routing.models import Lead, LeadStatus, Workspace

VERTICAL: Final = "solar_battery"
CREDITS_CENTS: Final = 100_000
DEADLINE_MS: Final = 1_500
# Of each buyer: its system's path, or its standing bid in cents.
BIDDERS: Final[dict[str, str | int]] = {
    "Sunbelt Solar": "/bid/62.00/120",
    "Piedmont Solar": "/bid/71.50/300",
    "Slow Sun Energy": "/bid/99.00/2500",
    "Rooftop Direct": "/decline",
    "Lone Star Solar": 5_500,
}
WAIT_SECONDS: Final = 20.0
POLL_SECONDS: Final = 0.1


def play(demo: Demo, *, address: str) -> int:
    """Send one lead, and wait until it is sold. Returns its id. Raises SendingFailed."""
    with running_buyers() as buyers:
        campaign = build(demo.workspace, buyers=buyers)
        lead = {
            "first_name": "Noor",
            "last_name": "Solar",
            "email": "noor.solar@example.com",
            "zip": "30312",
            "vertical": VERTICAL,
            "external_id": "solar-noor",
            "attributes": {"roof_age": 12},
        }
        answer = post(f"{address}/api/v1/leads/", lead, Authorization=f"Api-Key {demo.key}")
        lead_id = wait_until_ended(str(answer["id"]))
    for endpoint in Endpoint.objects.filter(buyer__enrollments__campaign=campaign):
        disable_by_hand(endpoint, at=timezone.now(), actor=ACTOR, reason="the demo has ended")
    return lead_id


@transaction.atomic
def build(workspace: Workspace, *, buyers: str) -> Campaign:
    """The campaign with its buyers. `buyers`: the address of their systems."""
    campaign = Campaign(
        workspace=workspace,
        name="Solar, auction",
        vertical=VERTICAL,
        mode="auction",
        price_cents=4_000,
        offer_fields=["zip3", "state", "attributes.roof_age"],
        bid_deadline_ms=DEADLINE_MS,
        reserve_cents=5_000,
        margin_bps=2_000,
        offer_fallback="unsold",
    )
    save(campaign)
    tier = save(Tier(campaign=campaign, position=1, name=""))
    for name, bid in BIDDERS.items():
        _add_bidder(name, campaign, tier=tier, bid=bid, buyers=buyers)
    return campaign


def _add_bidder(name: str, campaign: Campaign, *, tier: Any, bid: str | int, buyers: str) -> None:
    buyer = Buyer(
        workspace=campaign.workspace,
        name=name,
        timezone="America/New_York",
        service_area={"states": ["GA"]},
    )
    save(buyer)
    key = f"demo:{buyer.public_id}"
    top_up(buyer.pk, amount_cents=CREDITS_CENTS, key=key, actor=ACTOR, reason="opening balance")
    if isinstance(bid, int):
        save(Enrollment(campaign=campaign, tier=tier, buyer=buyer, bid_cents=bid))
        return
    save(Enrollment(campaign=campaign, tier=tier, buyer=buyer))
    save(
        PingEndpoint(
            workspace=buyer.workspace,
            buyer=buyer,
            name="Bids",
            purpose=Purpose.PING,
            method="http",
            url=f"{buyers}{bid}",
            accept_path="accepted",
            price_path="price",
            reason_path="reason",
            bid_id_path="id",
            timeout_seconds=5,
        )
    )


def wait_until_ended(public_id: str) -> int:
    """Wait until no attempt is due. Returns the lead's id."""
    until = time.monotonic() + WAIT_SECONDS
    lead = Lead.objects.get(public_id=public_id)
    while lead.status in (LeadStatus.PENDING, LeadStatus.OFFERED) and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
        lead.refresh_from_db(fields=["status"])
    return lead.pk
