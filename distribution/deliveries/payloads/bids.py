"""Reads a bid from the answer of a ping endpoint. Exact: a price is a decimal number and never a float.

An answer is a bid only if it accepts by the rules of its endpoint and names a price that makes sense. Everything else
is no bid, with the reason: a lead is never sold at a price that a buyer did not clearly name.
"""

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from typing import Final

from distribution.deliveries.payloads.answers import (
    PRICE,
    Answer,
    AnswerRules,
    Verdict,
    clean_reason,
    find_text,
    read_answer,
    read_reason,
)
from distribution.engine.limits import MAX_PRICE_CENTS

NO_CONTENT: Final = 204
MAX_BID_ID: Final = 200
MAX_QUOTED: Final = 40
CENTS_PER_UNIT: Final = {"dollars": 100, "cents": 1}


class BidOutcome(StrEnum):
    """What became of one buyer in an auction. Codes never change."""

    BID = "bid"
    # The buyer does not want the lead.
    NO_BID = "no_bid"
    # It answered with something that is no bid: a price that is negative, absurd or no number.
    REFUSED = "refused"
    # It bid after the auction was closed.
    LATE = "late"
    # No answer in time.
    TIMEOUT = "timeout"
    # It could not be asked, or the answer cannot be read.
    ERROR = "error"
    # It was not asked: its bid is in its enrollment.
    STANDING = "standing"


@dataclass(frozen=True, slots=True, kw_only=True)
class BidReading:
    """`reason`: why it is no bid, in the buyer's words or ours. At most 200 characters."""

    outcome: BidOutcome
    cents: int | None = None
    reason: str = ""
    bid_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BidRules:
    """How the answers of one ping endpoint are read. `price_unit`: dollars or cents."""

    answer: AnswerRules
    price_unit: str


class NoPrice(ValueError):
    """The text is no price that a bid may have. The message says why."""


def read_bid(status: int, answer: Answer, *, rules: BidRules) -> BidReading:
    """Never raises for an answer."""
    if not 200 <= status < 300:
        reason = read_reason(answer, rules=rules.answer) or f"answered {status}"
        return BidReading(outcome=BidOutcome.ERROR, reason=reason)
    if status == NO_CONTENT or not answer.body.strip():
        return BidReading(outcome=BidOutcome.NO_BID, reason="empty answer")
    reading = read_answer(answer, rules=rules.answer)
    if reading.verdict is Verdict.UNREADABLE:
        return BidReading(outcome=BidOutcome.ERROR, reason="unreadable answer")
    if reading.verdict is Verdict.REJECTED:
        return BidReading(outcome=BidOutcome.NO_BID, reason=reading.reason)
    return _read_price(answer, rules)


def _read_price(answer: Answer, rules: BidRules) -> BidReading:
    path = rules.answer.price_path
    text = find_text(answer, path=path, rules=rules.answer)
    if text is None:
        return BidReading(outcome=BidOutcome.REFUSED, reason=f"no price at {clean_reason(path)}")
    try:
        cents = read_bid_cents(text, unit=rules.price_unit)
    except NoPrice as error:
        return BidReading(outcome=BidOutcome.REFUSED, reason=str(error))
    if cents == 0:
        return BidReading(
            outcome=BidOutcome.NO_BID, reason=read_reason(answer, rules=rules.answer) or "price 0"
        )
    return BidReading(outcome=BidOutcome.BID, cents=cents, bid_id=_read_bid_id(answer, rules))


def read_bid_cents(text: str, *, unit: str) -> int:
    """Whole cents; what is below a cent is cut off, so nobody pays more than the bid. Raises NoPrice."""
    found = PRICE.fullmatch(text.strip())
    if found is None:
        raise NoPrice(f"{clean_reason(text)[:MAX_QUOTED]!r} is no price")
    exact = Decimal(found["number"].replace(",", "")) * CENTS_PER_UNIT[unit]
    if exact > MAX_PRICE_CENTS:
        raise NoPrice(f"{clean_reason(text)[:MAX_QUOTED]} is more than ${MAX_PRICE_CENTS // 100:,}")
    if 0 < exact < 1:
        raise NoPrice(f"{clean_reason(text)[:MAX_QUOTED]} is less than a cent")
    return int(exact.to_integral_value(rounding=ROUND_DOWN))


def _read_bid_id(answer: Answer, rules: BidRules) -> str:
    """A longer one is none: cut, it would name another bid."""
    text = find_text(answer, path=rules.answer.bid_id_path, rules=rules.answer) or ""
    return text if text == clean_reason(text) and len(text) <= MAX_BID_ID else ""
