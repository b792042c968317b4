"""Campaign, tier and rule prices, bids, and rounding to a cent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.engine.builders import definition, enrollment, run, tier

OLD = {"field": "attributes.roof_age", "op": "gte", "value": 15}
NEW = {"field": "attributes.roof_age", "op": "lt", "value": 15}


def price(rules: list[dict[str, Any]] | None = None, *, campaign_cents: int = 2500, **changes: Any) -> int:
    campaign = definition(
        [enrollment(bid_cents=changes.get("bid"))],
        tiers=[tier(price_cents=changes.get("tier"))],
        price_cents=campaign_cents,
        price_rules=rules or [],
    )
    return run(campaign).selected[0].price_cents


def test_campaign_then_tier_then_bid() -> None:
    assert price() == 2500
    assert price(tier=1900) == 1900
    assert price(tier=0) == 0
    assert price(tier=1900, bid=4000) == 4000
    assert price([{"when": None, "percent": 200}], bid=0) == 0


@pytest.mark.parametrize(
    ("rules", "cents"),
    [
        ([{"when": OLD, "set_cents": 3000}], 3000),
        ([{"when": NEW, "set_cents": 3000}], 2500),
        ([{"when": None, "add_cents": 500}, {"when": OLD, "percent": 120}], 3600),
        ([{"when": OLD, "percent": 120}, {"when": {}, "add_cents": 500}], 3500),
        ([{"when": None, "add_cents": -2501}, {"when": None, "add_cents": 10}], 10),
        ([{"when": None, "percent": 0}], 0),
        ([{"when": None, "percent": 33.3}], 833),
    ],
)
def test_rules_apply_in_order(rules: list[dict[str, Any]], cents: int) -> None:
    assert price(rules) == cents


def test_half_a_cent_rounds_up() -> None:
    assert price([{"when": None, "percent": 50}], campaign_cents=5) == 3
    assert price([{"when": None, "percent": 112.5}], campaign_cents=4) == 5
    assert price([{"when": None, "percent": 49}], campaign_cents=5) == 2


@given(cents=st.integers(0, 10**6), percent=st.integers(0, 1000))
def test_percent_is_never_off_by_more_than_half_a_cent(cents: int, percent: int) -> None:
    campaign = definition([enrollment(bid_cents=0)], price_cents=cents)
    campaign["campaign"]["price_rules"] = [{"when": None, "percent": percent}]
    [tier_price] = run(campaign).prices
    assert -50 < tier_price.price_cents * 100 - cents * percent <= 50


def test_prices_name_the_rules_that_applied() -> None:
    rules = [{"when": NEW, "set_cents": 1}, {"when": OLD, "add_cents": 100}, {"when": None, "percent": 50}]
    [tier_price] = run(definition(price_rules=rules)).prices
    assert (tier_price.tier_id, tier_price.base_cents, tier_price.price_cents) == (1, 2500, 1300)
    assert tier_price.applied == (
        {"rule": 1, "add_cents": 100, "before": 2500, "after": 2600},
        {"rule": 2, "percent": 50, "before": 2600, "after": 1300},
    )
