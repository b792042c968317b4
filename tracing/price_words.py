"""The sentence for the price of a lead. Pure."""

from collections.abc import Mapping
from typing import Any

from tracing import wording
from tracing.event_rows import EventContext, EventRow


def describe_price(event: EventRow, context: EventContext) -> str:
    tiers = event.data["tiers"]
    if not tiers:
        return "No price was needed: no buyer was considered."
    # The winner of an auction pays its bid. Only a push after it sells at the price.
    named = "without an auction, the price is" if context.is_auction else "the price is"
    prices = [_tier_price(tier) for tier in tiers]
    if len(prices) == 1:
        return wording.sentence(f"{named} {prices[0]}")
    numbered = [
        f"{price} in the {wording.ordinal(place)} tier" for place, price in enumerate(prices, start=1)
    ]
    return wording.sentence(f"{named} {', '.join(numbered)}")


def _tier_price(tier: Mapping[str, Any]) -> str:
    text = wording.money(tier["price_cents"])
    if not tier["applied"]:
        return text
    base, rules = wording.money(tier["base_cents"]), ", ".join(_price_rule(each) for each in tier["applied"])
    return f"{text} ({base}; {rules})"


def _price_rule(applied: Mapping[str, Any]) -> str:
    after = wording.money(applied["after"])
    if "unverified_percent" in applied:
        percent = applied["unverified_percent"]
        return f"{percent}% of the price, because the person is not verified, makes {after}"
    number = f"rule {applied['rule'] + 1}"
    if "set_cents" in applied:
        return f"{number} sets {after}"
    if "add_cents" in applied:
        cents = applied["add_cents"]
        added = wording.money(cents) if isinstance(cents, int) else f"{cents} cents"
        return f"{number} adds {added} to make {after}"
    return f"{number} applies {applied['percent']}% to make {after}"
