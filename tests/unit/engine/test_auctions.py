"""Auctions: who wins, at which price, in which order; against a second implementation in fractions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distribution.engine import Decision, LiveFacts, compile_campaign, decide, facts_from_json, facts_to_json
from distribution.engine.ranking import mix
from tests.unit.engine.builders import AT, RICH, definition, enrollment, facts, reasons, selected_ids

AGO = datetime(2025, 6, 1, tzinfo=UTC)


def bid(cents: int | None, outcome: str = "bid", **changes: Any) -> LiveFacts:
    return replace(RICH, bid_cents=cents, bid_outcome=outcome, bid_at=AT if cents else None, **changes)


def auction(*enrollments: dict[str, Any], **campaign: Any) -> dict[str, Any]:
    return definition(list(enrollments), **{"mode": "auction", **campaign})


def close(campaign: dict[str, Any], live: dict[int, LiveFacts], **changes: Any) -> Decision:
    return decide(compile_campaign(campaign), replace(facts(campaign, live, **changes), phase="bids"))


def open_(campaign: dict[str, Any], **changes: Any) -> Decision:
    return decide(compile_campaign(campaign), replace(facts(campaign, **changes), phase="offer"))


def prices(decision: Decision) -> list[tuple[int, int]]:
    return [(each.enrollment_id, each.price_cents) for each in decision.selected]


def test_highest_bid_wins_and_pays_its_bid() -> None:
    decision = close(auction(enrollment(1), enrollment(2)), {1: bid(2_000), 2: bid(2_001)})
    assert prices(decision) == [(2, 2_001)]
    assert reasons(decision) == {1: "outbid"}
    assert decision.skipped[0].data["rank"] == 2


def test_margin_of_a_buyer_replaces_that_of_the_campaign() -> None:
    campaign = auction(enrollment(1, margin_bps=0), enrollment(2), margin_bps=2_000)
    assert prices(close(campaign, {1: bid(4_100), 2: bid(5_000)})) == [(1, 4_100)]
    assert prices(close(campaign, {1: bid(3_999), 2: bid(5_000)})) == [(2, 5_000)]


@pytest.mark.parametrize(("penalizes", "winner"), [(True, 2), (False, 1)])
def test_returns_lower_the_rank_and_not_the_price(penalizes: bool, winner: int) -> None:  # noqa: FBT001
    campaign = auction(enrollment(1), enrollment(2), penalizes_returns=penalizes)
    live = {1: bid(10_000, returned_bps=1_000), 2: bid(9_001)}
    [(enrollment_id, cents)] = prices(close(campaign, live))
    assert (enrollment_id, cents) == (winner, live[winner].bid_cents)


def test_equal_values_go_to_the_buyer_that_has_waited_longest() -> None:
    live = {1: bid(2_000, last_assigned_at=AT), 2: bid(2_000, last_assigned_at=AGO)}
    assert selected_ids(close(auction(enrollment(1), enrollment(2)), live)) == [2]
    assert selected_ids(close(auction(enrollment(1), enrollment(2)), {**live, 1: bid(2_000)})) == [1]


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        ("no_bid", "no_bid"),
        ("refused", "no_bid"),
        ("error", "no_bid"),
        ("timeout", "bid_late"),
        ("late", "bid_late"),
        ("not_asked", "bid_not_asked"),
        ("unknown", "bid_unknown"),
    ],
)
def test_buyer_without_a_bid_has_its_reason(outcome: str, reason: str) -> None:
    decision = close(auction(enrollment(1)), {1: bid(None, outcome)})
    assert reasons(decision) == {1: reason}
    assert decision.verdict is not None
    assert (decision.outcome, decision.verdict.reason) == ("unsold", "no_bids")


def test_reserve_is_what_a_bid_must_reach() -> None:
    campaign = auction(enrollment(1), enrollment(2), reserve_cents=3_000)
    assert prices(close(campaign, {1: bid(2_999), 2: bid(3_000)})) == [(2, 3_000)]
    decision = close(campaign, {1: bid(2_999), 2: bid(1)})
    assert reasons(decision) == {1: "bid_below_reserve", 2: "bid_below_reserve"}
    assert decision.verdict is not None
    assert decision.verdict.reason == "below_reserve"


def test_bid_that_the_wallet_does_not_hold_is_passed_over() -> None:
    live = {1: replace(bid(9_000), balance_cents=8_999), 2: bid(10)}
    decision = close(auction(enrollment(1), enrollment(2)), live)
    assert prices(decision) == [(2, 10)]
    assert reasons(decision) == {1: "insufficient_credits"}


def test_rejection_gives_the_lead_to_the_next_bid() -> None:
    campaign = auction(enrollment(1), enrollment(2), enrollment(3), sells_on="acceptance", max_buyers=2)
    live = {1: bid(9_000), 2: bid(8_000), 3: bid(7_000)}
    assert prices(close(campaign, live)) == [(1, 9_000)]
    assert prices(close(campaign, {**live, 1: replace(live[1], rejection="")})) == [(2, 8_000)]


def test_shared_lead_goes_to_the_best_bids_each_at_its_own_price() -> None:
    campaign = auction(enrollment(1), enrollment(2), enrollment(3), max_buyers=2)
    assert prices(close(campaign, {1: bid(1), 2: bid(8_000), 3: bid(7_000)})) == [(2, 8_000), (3, 7_000)]


def test_tiers_bid_together() -> None:
    tiers = [
        {"id": 1, "position": 1, "content_filter": None, "price_cents": None},
        {"id": 2, "position": 2, "content_filter": None, "price_cents": None},
    ]
    campaign = definition([enrollment(1), enrollment(2, tier_id=2)], tiers=tiers, mode="auction")
    assert selected_ids(close(campaign, {1: bid(10), 2: bid(11)})) == [2]


def test_standing_bid_is_that_of_the_first_rule_that_matches() -> None:
    rules = [
        {"when": {"field": "state", "op": "eq", "value": "AL"}, "bid_cents": 1},
        {"when": {"field": "attributes.roof_age", "op": "gte", "value": 10}, "bid_cents": 2},
        {"when": {"field": "state", "op": "eq", "value": "GA"}, "bid_cents": 3},
    ]
    campaign = auction(
        enrollment(1, standing_bids=rules),
        enrollment(2, standing_bids=rules[:1], bid_cents=4),
        enrollment(3, standing_bids=rules[:1]),
    )
    decision = open_(campaign)
    assert {each.enrollment_id: each.standing_cents for each in decision.offered} == {1: 2, 2: 4, 3: None}


def test_unreadable_standing_bids_affect_only_their_buyer() -> None:
    campaign = auction(
        enrollment(1, standing_bids=[{"when": {"op": "?"}, "bid_cents": 9}]), enrollment(2, bid_cents=5)
    )
    assert [(each.enrollment_id, each.standing_cents) for each in open_(campaign).offered] == [
        (1, None),
        (2, 5),
    ]


def test_busy_bidder_is_waited_for() -> None:
    campaign = auction(enrollment(1))
    decision = close(campaign, {1: bid(10)}, locked=frozenset({1}))
    assert (decision.outcome, reasons(decision)) == ("contention", {1: "locked"})


# --- against a second implementation --------------------------------------------------------------------------

CENTS = st.integers(1, 400) | st.integers(1, 10_000_000)
SHARES = st.integers(0, 9_000) | st.sampled_from([0, 1, 5_000, 3_333])
BIDS = st.fixed_dictionaries(
    {
        "cents": CENTS | st.none(),
        "margin_bps": SHARES | st.none(),
        "returned_bps": st.integers(0, 10_000) | st.sampled_from([0, 3_333]),
        "waited_days": st.integers(0, 2) | st.none(),
    }
)


def reference(rows: list[dict[str, Any]], campaign: dict[str, Any], seed: int) -> list[int]:
    """The order of the bids by exact fractions of cents."""

    def worth(row: dict[str, Any]) -> Fraction:
        margin = campaign["margin_bps"] if row["margin_bps"] is None else row["margin_bps"]
        penalty = row["returned_bps"] if campaign["penalizes_returns"] else 0
        return Fraction(row["cents"]) * (1 - Fraction(margin, 10_000)) * (1 - Fraction(penalty, 10_000))

    def last_lead(row: dict[str, Any]) -> float:
        return -1 if row["waited_days"] is None else -row["waited_days"]

    def before(row: dict[str, Any]) -> tuple[Any, ...]:
        never = row["waited_days"] is None
        return -worth(row), not never, last_lead(row), mix(seed, row["id"]), row["id"]

    open_bids = [
        row for row in rows if row["cents"] is not None and row["cents"] >= (campaign["reserve_cents"] or 0)
    ]
    return [row["id"] for row in sorted(open_bids, key=before)]


@settings(max_examples=300)
@given(
    bids=st.lists(BIDS, min_size=1, max_size=8),
    margin_bps=SHARES,
    reserve_cents=st.none() | st.integers(0, 500),
    penalizes_returns=st.booleans(),
    seed=st.integers(0, 2**48 - 1),
    max_buyers=st.integers(1, 3),
)
def test_order_is_that_of_exact_fractions(
    bids: list[dict[str, Any]], seed: int, max_buyers: int, **terms: Any
) -> None:
    rows = [{"id": number, **each} for number, each in enumerate(bids, start=1)]
    campaign = auction(
        *(enrollment(row["id"], margin_bps=row["margin_bps"]) for row in rows), max_buyers=max_buyers, **terms
    )
    live = {
        row["id"]: replace(
            bid(row["cents"], "no_bid" if row["cents"] is None else "bid", returned_bps=row["returned_bps"]),
            balance_cents=10**9,
            last_assigned_at=None if row["waited_days"] is None else AT - timedelta(days=row["waited_days"]),
        )
        for row in rows
    }
    given_facts = replace(facts(campaign, live, seed=seed), phase="bids")

    decision = decide(compile_campaign(campaign), given_facts)

    expected = reference(rows, terms, seed)
    assert list(decision.ranking) == expected
    cents = {row["id"]: row["cents"] for row in rows}
    assert prices(decision) == [(each, cents[each]) for each in expected[:max_buyers]]
    everyone = [*selected_ids(decision), *(skip.enrollment_id for skip in decision.skipped)]
    assert sorted(everyone) == [row["id"] for row in rows]
    assert all(abs(number) < 2**53 for each in decision.selected for number in each.rank_key)
    assert facts_from_json(facts_to_json(given_facts)) == given_facts
