"""Bids in the answers of ping endpoints: exact, and refused with a reason when they make no sense."""

from contextlib import suppress
from decimal import ROUND_DOWN, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distribution.deliveries.payloads.answers import Answer, AnswerRules
from distribution.deliveries.payloads.bids import (
    BidOutcome,
    BidReading,
    BidRules,
    NoPrice,
    read_bid,
    read_bid_cents,
)

BID, NO_BID, REFUSED, ERROR = BidOutcome.BID, BidOutcome.NO_BID, BidOutcome.REFUSED, BidOutcome.ERROR
RULES = {
    "accept_path": "accepted",
    "reason_path": "reason",
    "price_path": "bid.price",
    "bid_id_path": "bid.id",
}


def read(body: str, *, status: int = 200, unit: str = "dollars", **rules: Any) -> BidReading:
    given = BidRules(answer=AnswerRules(**{**RULES, **rules}), price_unit=unit)
    return read_bid(status, Answer("application/json", body.encode()), rules=given)


def priced(price: str) -> str:
    return f'{{"accepted": true, "bid": {{"price": {price}, "id": "B-1"}}}}'


@pytest.mark.parametrize(
    ("price", "unit", "cents"),
    [
        ("45", "dollars", 4500),
        ("45.5", "dollars", 4550),
        ('"$1,234.50"', "dollars", 123_450),
        ("0.29", "dollars", 29),
        ("19.99", "dollars", 1999),
        ("12.349", "dollars", 1234),
        ("4550", "cents", 4550),
        ('"4550.9"', "cents", 4550),
        ("100000", "dollars", 10_000_000),
    ],
)
def test_price_is_exact(price: str, unit: str, cents: int) -> None:
    assert read(priced(price), unit=unit) == BidReading(outcome=BID, cents=cents, bid_id="B-1")


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        ("-5", "'-5' is no price"),
        ("true", "'true' is no price"),
        ("1e3", "'1E+3' is no price"),
        ('"NaN"', "'NaN' is no price"),
        ('"Infinity"', "'Infinity' is no price"),
        ('"call us"', "'call us' is no price"),
        ("[1, 2]", "'[1, 2]' is no price"),
        ("100000.01", "100000.01 is more than $100,000"),
        ("99999999999", "99999999999 is more than $100,000"),
        ("0.001", "0.001 is less than a cent"),
        ("null", "'' is no price"),
    ],
)
def test_absurd_price_is_refused_with_its_reason(price: str, reason: str) -> None:
    assert read(priced(price)) == BidReading(outcome=REFUSED, reason=reason)


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ('{"accepted": false, "reason": "state not served"}', 200, (NO_BID, "state not served")),
        ('{"accepted": false}', 200, (NO_BID, "")),
        (priced("0"), 200, (NO_BID, "price 0")),
        ("", 200, (NO_BID, "empty answer")),
        ("", 204, (NO_BID, "empty answer")),
        ('{"accepted": true}', 200, (REFUSED, "no price at bid.price")),
        ('{"accepted": true', 200, (ERROR, "unreadable answer")),
        ('{"accepted": true, "bid": {"price": NaN}}', 200, (ERROR, "unreadable answer")),
        (priced("45"), 500, (ERROR, "answered 500")),
        ('{"reason": "no budget"}', 422, (ERROR, "no budget")),
        (priced("45"), 302, (ERROR, "answered 302")),
    ],
)
def test_what_is_no_bid_has_its_reason(body: str, status: int, expected: tuple[BidOutcome, str]) -> None:
    reading = read(body, status=status)
    assert (reading.outcome, reading.reason, reading.cents) == (*expected, None)


def test_without_an_acceptance_rule_every_price_is_a_bid() -> None:
    assert read('{"bid": {"price": 7}}', accept_path="").cents == 700


@pytest.mark.parametrize("bid_id", ["x" * 201, "two\\nlines", ""])
def test_unusable_bid_id_is_none(bid_id: str) -> None:
    body = f'{{"accepted": true, "bid": {{"price": 1, "id": "{bid_id}"}}}}'
    assert read(body) == BidReading(outcome=BID, cents=100)


@given(
    st.decimals(min_value=Decimal("0.01"), max_value=100_000, places=4), st.sampled_from(["dollars", "cents"])
)
def test_cents_are_the_exact_decimal_cut_off(price: Decimal, unit: str) -> None:
    exact = price * (100 if unit == "dollars" else 1)
    if exact < 1:
        with pytest.raises(NoPrice):
            read_bid_cents(str(price), unit=unit)
    else:
        assert read_bid_cents(str(price), unit=unit) == int(exact.to_integral_value(ROUND_DOWN))


@given(st.text(max_size=30))
def test_any_text_is_a_price_or_is_refused(text: str) -> None:
    cents = 0
    with suppress(NoPrice):
        cents = read_bid_cents(text, unit="dollars")
    assert 0 <= cents <= 10_000_000
