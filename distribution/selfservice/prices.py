"""Whether a buyer's change of its bid may lower what its agency earns.

In an auction a bid competes, under the agency's reserve. In every other mode a bid replaces the price that the agency
asks, with its price rules, so a buyer may raise it and may not lower it by itself.
"""

from typing import Any

from distribution.models import CampaignMode, Enrollment
from distribution.selfservice.resolve import Resolved


def lowers_price(row: Any, resolved: Resolved) -> bool:
    """`row` as it would be. False for a change of anything but a bid. Reads the campaign and the tier."""
    if not isinstance(row, Enrollment) or "bid_cents" not in resolved.columns:
        return False
    bid, before = row.bid_cents, resolved.before["bid_cents"]
    is_raised = bid is not None and before is not None and bid > before
    if is_raised or row.campaign.mode == CampaignMode.AUCTION:
        return False
    if row.campaign.mode == CampaignMode.PRICE:
        return bid is not None and _is_below_price(row)
    return before is not None or _is_below_price(row)


def _is_below_price(enrollment: Enrollment) -> bool:
    """Price rules may ask for more than any bid, which would replace them."""
    campaign, tier = enrollment.campaign, enrollment.tier
    asked_cents = campaign.price_cents if tier.price_cents is None else tier.price_cents
    return bool(campaign.price_rules) or enrollment.bid_cents < asked_cents
