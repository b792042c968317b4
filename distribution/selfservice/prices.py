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
    bid: int | None = row.bid_cents
    before: int | None = resolved.before["bid_cents"]
    is_raised = bid is not None and before is not None and bid > before
    if is_raised or row.campaign.mode == CampaignMode.AUCTION:
        return False
    if bid is None:
        return row.campaign.mode != CampaignMode.PRICE
    has_own_price = before is not None and row.campaign.mode != CampaignMode.PRICE
    return has_own_price or bid < _find_price_cents(row) or bool(row.campaign.price_rules)


def _find_price_cents(enrollment: Enrollment) -> int:
    """What every lead costs at least, without price rules: those may ask for more than any bid."""
    tier_cents = enrollment.tier.price_cents
    return enrollment.campaign.price_cents if tier_cents is None else tier_cents
