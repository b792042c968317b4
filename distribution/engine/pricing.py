"""The price of a lead in each tier: the tier's or the campaign's price, changed by the price rules in order."""

from collections.abc import Mapping
from typing import Any

from distribution.engine.campaign import CompiledCampaign, CompiledTier, PriceRule
from distribution.engine.limits import MAX_PRICE_CENTS
from distribution.engine.types import JsonObject, TierPrice


def tier_prices(
    campaign: CompiledCampaign, *, fields: Mapping[str, Any], percent: int = 100
) -> tuple[TierPrice, ...]:
    """`percent`: of the price after its rules, what the lead costs."""
    rules = [rule for rule in campaign.price_rules if rule.when.matches(fields)]
    return tuple(_tier_price(tier, rules, campaign.price_cents, percent) for tier in campaign.tiers)


def _tier_price(tier: CompiledTier, rules: list[PriceRule], campaign_cents: int, percent: int) -> TierPrice:
    base = price = campaign_cents if tier.price_cents is None else tier.price_cents
    applied: list[JsonObject] = []
    for rule in rules:
        before, price = price, apply_rule(rule, cents=price)
        applied.append({"rule": rule.position, rule.kind: rule.amount, "before": before, "after": price})
    if percent != 100:
        before, price = price, take_percent(price, percent)
        applied.append({"unverified_percent": percent, "before": before, "after": price})
    return TierPrice(tier.id, base, price, tuple(applied))


def take_percent(cents: int, percent: int) -> int:
    """In whole cents, rounded half up."""
    return (2 * cents * percent + 100) // 200


def apply_rule(rule: PriceRule, *, cents: int) -> int:
    """Return the new price in whole cents, rounded half up, from 0 to MAX_PRICE_CENTS."""
    if rule.kind == "set_cents":
        price = rule.numerator
    elif rule.kind == "add_cents":
        price = cents + rule.numerator
    else:
        price = (2 * cents * rule.numerator + rule.denominator) // (2 * rule.denominator)
    return min(max(0, price), MAX_PRICE_CENTS)
