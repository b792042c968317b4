"""The engine sells only for what the source's contract turns into the promised price."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distribution.engine import (
    Decision,
    Promise,
    Terms,
    compile_campaign,
    decide,
    earned_cents,
    facts_from_json,
    facts_to_json,
    price_to_keep,
)
from tests.unit.engine.builders import AT, RICH, definition, enrollment, facts

END = AT + timedelta(minutes=5)
HALF = Terms("share", 5_000)


def decide_with(promise: Promise, *bids: int, **changes: Any) -> Decision:
    """Buyers 1, 2 … bid in this order, and it is their turn in this order too."""
    rows = [enrollment(number, bid_cents=bid) for number, bid in enumerate(bids, start=1)]
    campaign = definition(rows, **{"max_buyers": 1, **changes.pop("campaign", {})})
    live = {row["id"]: type(RICH)(balance_cents=100_000, virtual_finish=row["id"] * 10**9) for row in rows}
    known = facts(campaign, live=live)
    return decide(
        compile_campaign(campaign),
        type(known)(
            **{name: getattr(known, name) for name in known.__slots__} | {"promise": promise} | changes
        ),
    )


def promise(cents: int, terms: Terms = HALF, *, is_last: bool = False) -> Promise:
    return Promise(cents, terms, END, is_last=is_last)


def selected(decision: Decision) -> list[int]:
    return [each.enrollment_id for each in decision.selected]


@pytest.mark.parametrize(
    ("terms", "revenue_cents", "cents"),
    [
        (Terms("fixed", 500), 0, 500),
        (Terms("nothing"), 9_000, 0),
        (Terms("share", 10_000), 2_501, 2_501),
        (Terms("share", 5_000), 5, 2),  # 2.5
        (Terms("share", 5_000), 7, 4),  # 3.5
        (Terms("share", 3_333), 2_500, 833),  # 833.25
    ],
)
def test_share_is_rounded_half_to_even(terms: Terms, revenue_cents: int, cents: int) -> None:
    assert earned_cents(terms, revenue_cents=revenue_cents) == cents


def test_first_buyer_in_turn_who_pays_enough_gets_the_lead() -> None:
    decision = decide_with(promise(500), 998, 1_000, 5_000)

    assert selected(decision) == [2]
    assert decision.ranking == (2, 3)
    assert {each.enrollment_id: each.reason for each in decision.skipped} == {
        1: "below_promised_price",
        3: "outranked",
    }


def test_shared_lead_is_sold_to_buyers_who_pay_enough_together() -> None:
    """The cheapest of the first two makes room until their sum is $10.00 or more."""
    decision = decide_with(promise(500), 600, 100, 300, 400, 50, campaign={"max_buyers": 2})

    assert selected(decision) == [1, 4]


def test_lead_waits_for_the_end_of_the_promise() -> None:
    decision = decide_with(promise(500), 997, 998)

    assert (decision.outcome, decision.selected, decision.ranking) == ("unsold", (), ())
    assert decision.verdict is not None
    assert (decision.verdict.reason, decision.verdict.retry_class, decision.verdict.retry_at) == (
        "below_promised_price",
        "deferred",
        END,
    )
    assert {each.reason for each in decision.skipped} == {"below_promised_price"}


def test_lead_that_ends_with_the_promise_does_not_wait() -> None:
    decision = decide_with(promise(500, is_last=True), 998)

    assert decision.verdict is not None
    assert (decision.verdict.reason, decision.verdict.retry_class) == ("below_promised_price", "permanent")


def test_lead_that_ends_with_the_promise_is_not_sold_afterwards() -> None:
    late = decide_with(promise(1, is_last=True), 5_000, at=END)

    assert late.verdict is not None
    assert (late.outcome, late.verdict.reason, late.verdict.retry_class) == (
        "unsold",
        "promise_ended",
        "permanent",
    )


def test_busy_buyer_who_may_pay_enough_is_waited_for() -> None:
    decision = decide_with(promise(500), 998, 1_000, locked=frozenset({2}))

    assert (decision.outcome, selected(decision)) == ("contention", [])


def test_person_cannot_sell_below_the_promise() -> None:
    """And no other buyer gets the lead instead."""
    decision = decide_with(promise(500), 998, 1_000, chosen=1)

    assert selected(decision) == []
    assert next(each.reason for each in decision.skipped if each.enrollment_id == 1) == "below_promised_price"


def test_fixed_amount_is_paid_whatever_the_price() -> None:
    assert selected(decide_with(promise(500, Terms("fixed", 500)), 1)) == [1]
    assert selected(decide_with(promise(500, Terms("fixed", 499)), 9_000)) == []


@given(
    st.lists(st.integers(0, 3_000), min_size=1, max_size=6),
    st.integers(1, 3),
    st.integers(0, 4_000),
    st.integers(1, 10_000),
)
def test_sale_keeps_the_promise_whenever_any_could(
    bids: list[int], max_buyers: int, cents: int, bps: int
) -> None:
    terms = Terms("share", bps)
    decision = decide_with(promise(cents, terms), *bids, campaign={"max_buyers": max_buyers})

    best = sum(sorted(bids, reverse=True)[:max_buyers])
    paid = sum(each.price_cents for each in decision.selected)
    assert bool(decision.selected) is (earned_cents(terms, revenue_cents=best) >= cents)
    assert not decision.selected or earned_cents(terms, revenue_cents=paid) >= cents
    assert len(decision.selected) in (0, min(max_buyers, len(bids)))


def test_promise_survives_the_trace() -> None:
    campaign = definition()
    known = facts(campaign)
    promised = type(known)(
        **{name: getattr(known, name) for name in known.__slots__} | {"promise": promise(500, is_last=True)}
    )

    assert facts_from_json(facts_to_json(promised)) == promised
    assert "promise" not in facts_to_json(known)


@given(st.integers(1, 10_000), st.integers(0, 100_000))
def test_price_to_keep_is_the_smallest_one(share_bps: int, promised_cents: int) -> None:
    terms = Terms("share", share_bps)
    least = price_to_keep(promise(promised_cents, terms))

    assert least is not None
    assert earned_cents(terms, revenue_cents=least) >= promised_cents
    assert least == 0 or earned_cents(terms, revenue_cents=least - 1) < promised_cents


@pytest.mark.parametrize(
    ("terms", "least"), [(Terms("fixed", 499), None), (Terms("fixed", 500), 0), (Terms("nothing"), None)]
)
def test_fixed_contract_does_not_depend_on_the_price(terms: Terms, least: int | None) -> None:
    assert price_to_keep(promise(500, terms)) == least
