"""How a try ends: accepted, rejected, unknown or not sent. The one place with the rules of status codes.

Unknown means that the buyer may have the lead. So everything in doubt is unknown: it is asked again with the same
message id, and the lead is not sold to another buyer before the answer is known.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from distribution.deliveries.payloads.answers import Answer, AnswerRules, Verdict, read_answer, read_reason
from distribution.deliveries.payloads.retries import read_retry_after

TIMEOUT: Final = 408
GONE: Final = 410
TOO_EARLY: Final = 425
TOO_MANY: Final = 429
# They say "ask again", and not "no".
AGAIN: Final = frozenset({TIMEOUT, TOO_EARLY, TOO_MANY})
UNREADABLE: Final = "unreadable_answer"
REDIRECT: Final = "redirect"


NO_ANSWER: Final = Answer("", b"")


class Outcome(StrEnum):
    """The end of one try. A worker that is lost writes none."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    # The buyer may have it.
    UNKNOWN = "unknown"
    # Failed before any byte of the body was sent: the buyer cannot have it.
    NOT_SENT = "not_sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What is known of a request. `failure`: a short code, empty if an answer came, complete or cut for its length."""

    is_sent: bool
    failure: str = ""
    status_code: int | None = None
    answer: Answer = NO_ANSWER
    retry_after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgment:
    """`reason`: the buyer's words, or `answered 404`. `error`: a short class for unknown and not sent."""

    outcome: Outcome
    reason: str = ""
    price_cents: int | None = None
    error: str = ""
    disables_endpoint: bool = False
    retry_after_seconds: float | None = None


def judge(exchange: Exchange, *, rules: AnswerRules, at: datetime) -> Judgment:
    """`at`: when the answer came, for a Retry-After that is a date."""
    if not exchange.is_sent:
        return Judgment(outcome=Outcome.NOT_SENT, error=exchange.failure or "not_sent")
    status = exchange.status_code
    if exchange.failure or status is None:
        return Judgment(outcome=Outcome.UNKNOWN, error=exchange.failure or "no_answer")
    if 200 <= status < 300:
        return _judge_success(exchange.answer, rules)
    if 400 <= status < 500 and status not in AGAIN:
        return _judge_refusal(status, exchange.answer, rules)
    return Judgment(
        outcome=Outcome.UNKNOWN,
        error=REDIRECT if 300 <= status < 400 else f"status_{status}",
        retry_after_seconds=read_retry_after(exchange.retry_after, at=at),
    )


def _judge_success(answer: Answer, rules: AnswerRules) -> Judgment:
    reading = read_answer(answer, rules=rules)
    if reading.verdict is Verdict.UNREADABLE:
        return Judgment(outcome=Outcome.UNKNOWN, error=UNREADABLE)
    if reading.verdict is Verdict.ACCEPTED:
        return Judgment(outcome=Outcome.ACCEPTED, price_cents=reading.price_cents)
    return Judgment(
        outcome=Outcome.REJECTED,
        reason=reading.reason or "the answer does not accept",
        price_cents=reading.price_cents,
    )


def _judge_refusal(status: int, answer: Answer, rules: AnswerRules) -> Judgment:
    """410 says that the endpoint is gone."""
    reason = read_reason(answer, rules=rules) or f"answered {status}"
    return Judgment(outcome=Outcome.REJECTED, reason=reason, disables_endpoint=status == GONE)
