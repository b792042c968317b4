"""The smallest bid with which a buyer would have gotten the lead: above the reserve, the promise and its rival."""

from dataclasses import replace
from typing import Any

import pytest

from distribution.engine import LiveFacts, Promise, Terms, compile_campaign, decide
from distribution.explain.remedy import Assessment, WhatIfResult, assess
from tests.unit.engine.builders import AT, definition, enrollment, facts

HALF = Terms("share", 5_000)


def live(cents: int, **changes: Any) -> LiveFacts:
    return LiveFacts(balance_cents=1_000_000, bid_cents=cents, bid_outcome="bid", **changes)


def assess_bids(
    *bids: int, rows: list[dict[str, Any]] | None = None, promised_cents: int = 0, **campaign: Any
) -> Assessment:
    """Buyers 101, 102 … bid. The first one is assessed, and the engine confirms what it would have to bid."""
    made = definition(
        rows or [enrollment(number) for number in range(1, len(bids) + 1)],
        **{"mode": "auction", "fallback_mode": "priority", **campaign},
    )
    promise = Promise(promised_cents, HALF, AT.replace(year=AT.year + 1)) if promised_cents else None
    known = replace(
        facts(made, live={number: live(cents) for number, cents in enumerate(bids, start=1)}),
        phase="bids",
        promise=promise,
    )
    found = assess(made, known, buyer_id=101)
    if found.improvements and found.improvements[0].bid_cents is not None:
        assert_is_smallest(made, known, found.improvements[0].bid_cents)
    return found


def assert_is_smallest(made: dict[str, Any], known: Any, cents: int) -> None:
    def wins(bid: int) -> bool:
        changed = replace(known, live={**known.live, 1: live(bid)})
        return any(each.enrollment_id == 1 for each in decide(compile_campaign(made), changed).selected)

    assert wins(cents)
    assert not wins(cents - 1)


def bid_of(assessment: Assessment) -> int | None:
    return next((each.bid_cents for each in assessment.improvements if each.kind == "bid"), None)


def test_bid_below_the_reserve_needs_the_reserve() -> None:
    found = assess_bids(1_000, reserve_cents=2_000)

    assert (found.ending, found.price_cents) == (WhatIfResult.SELECTED, 2_000)
    assert [(each.failure["gate"], each.assumed) for each in found.fixes] == [
        ("bid_below_reserve", "a bid of $20.00")
    ]


def test_bid_below_the_reserve_with_a_rival_needs_more_than_the_reserve() -> None:
    """Its margin is a half, and that of its rival nothing: it needs twice the rival's bid."""
    rows = [enrollment(1, margin_bps=5_000), enrollment(2, margin_bps=0)]

    found = assess_bids(1_000, 3_000, rows=rows, reserve_cents=2_000)

    assert found.ending is WhatIfResult.OUTRANKED
    assert bid_of(found) in (6_000, 6_001)


def test_bid_that_reaches_its_rival_below_the_reserve_needs_the_reserve() -> None:
    """The rival has so much margin that half of its bid would do."""
    rows = [enrollment(1, margin_bps=0), enrollment(2, margin_bps=5_000)]

    found = assess_bids(2_000, 4_100, rows=rows, reserve_cents=2_000, max_buyers=1)
    low = assess_bids(1_000, 3_000, rows=rows, reserve_cents=2_000)

    assert bid_of(found) in (2_050, 2_051)
    assert (low.ending, low.price_cents) == (WhatIfResult.SELECTED, 2_000)


@pytest.mark.parametrize("returned_bps", [0, 2_500])
def test_returns_count(returned_bps: int) -> None:
    made = definition(
        [enrollment(1), enrollment(2)], mode="auction", fallback_mode="priority", penalizes_returns=True
    )
    known = replace(
        facts(made, live={1: live(1_000, returned_bps=returned_bps), 2: live(3_000)}), phase="bids"
    )

    found = assess(made, known, buyer_id=101)

    assert bid_of(found) in ({0: (3_000, 3_001), 2_500: (4_000, 4_001)}[returned_bps])


def test_bid_below_the_promise_needs_what_pays_the_source() -> None:
    """Half of $19.99 is $9.995, which is rounded to $10.00: the even one."""
    found = assess_bids(1_500, promised_cents=1_000)

    assert (found.ending, found.price_cents) == (WhatIfResult.SELECTED, 1_999)
    assert [(each.failure["gate"], each.assumed) for each in found.fixes] == [
        ("below_promised_price", "a bid of $19.99")
    ]


def test_price_below_the_promise_is_raised_in_a_push_too() -> None:
    made = definition([enrollment(1, bid_cents=1_500)])
    known = replace(facts(made), promise=Promise(1_000, HALF, AT.replace(year=AT.year + 1)))

    found = assess(made, known, buyer_id=101)

    assert (found.ending, found.price_cents) == (WhatIfResult.SELECTED, 1_999)


def test_fixed_contract_pays_no_more_at_any_price() -> None:
    made = definition([enrollment(1, bid_cents=1_500)])
    promise = Promise(1_000, Terms("fixed", 900), AT.replace(year=AT.year + 1))

    found = assess(made, replace(facts(made), promise=promise), buyer_id=101)

    assert [each.assumed for each in found.fixes] == ["no price promised to the source"]
