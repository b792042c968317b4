"""The senders and buyers of a run. Every new person is sold: each vertical has buyers with credits for all leads."""

from typing import Final

from distribution.models import Buyer, Campaign, Enrollment, Tier
from distribution.money.wallet import top_up
from routing.models import DispatchMode, Source, SourceKey, Workspace
from tests.load.payloads import VERTICALS

WORKSPACES: Final = 3
BUYERS: Final = 8  # a campaign
PRICE_CENTS: Final = 2_500
# The first workspace sells each lead to two buyers.
MAX_BUYERS: Final = (2, 1, 1)


def build_world(*, leads: int) -> tuple[str, ...]:
    """Returns the key of each workspace's source."""
    return tuple(_build_workspace(place, leads=leads) for place in range(WORKSPACES))


def _build_workspace(place: int, *, leads: int) -> str:
    workspace = Workspace.objects.create(
        slug=f"load-{place}", name=f"Load {place}", dispatch_mode=DispatchMode.EVENT
    )
    for vertical in VERTICALS:
        campaign = Campaign.objects.create(
            workspace=workspace,
            name=vertical,
            vertical=vertical,
            price_cents=PRICE_CENTS,
            max_buyers=MAX_BUYERS[place],
        )
        _enroll(campaign, leads=leads)
    source = Source.objects.create(workspace=workspace, name=f"load-{place}")
    _, key = SourceKey.objects.create_key(name="load", source=source)
    return str(key)


def _enroll(campaign: Campaign, *, leads: int) -> None:
    tier = Tier.objects.create(campaign=campaign)
    for number in range(BUYERS):
        buyer = Buyer.objects.create(
            workspace=campaign.workspace,
            name=f"Buyer {number} of {campaign.name}",
            service_area={"everywhere": True},
        )
        top_up(buyer.pk, amount_cents=leads * PRICE_CENTS, key=f"load-{buyer.public_id}", actor="load")
        Enrollment.objects.create(campaign=campaign, tier=tier, buyer=buyer)
