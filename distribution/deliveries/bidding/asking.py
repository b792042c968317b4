"""Asks one ping endpoint and reads its answer. No database, so it runs in any thread."""

import logging
from dataclasses import dataclass
from time import monotonic
from typing import Final

from distribution.deliveries.bidding.targets import PingTarget
from distribution.deliveries.outbound import (
    Failure,
    OutboundClient,
    OutboundRequest,
    OutboundResult,
    Timeouts,
)
from distribution.deliveries.payloads.answers import Answer
from distribution.deliveries.payloads.bids import BidOutcome, BidReading, read_bid
from distribution.deliveries.payloads.fields import Facts
from distribution.deliveries.payloads.requests import OutgoingRequest, prepare_custom

logger = logging.getLogger(__name__)

# How a request ends when its time is over.
TIMEOUTS: Final = frozenset({Failure.CONNECT_TIMEOUT, Failure.ANSWER_TIMEOUT, Failure.BODY_TIMEOUT})


@dataclass(frozen=True, slots=True, kw_only=True)
class BidReply:
    """What one buyer answered. `ended_at`: monotonic. Without a `result` nothing was sent.

    `is_crowded_out`: there was no free thread or request for it in time, which is no failure of the buyer.
    """

    reading: BidReading
    latency_ms: int
    ended_at: float
    request: OutgoingRequest | None = None
    result: OutboundResult | None = None
    is_crowded_out: bool = False


def ask(
    target: PingTarget, facts: Facts, *, client: OutboundClient, seconds: float, is_test: bool = False
) -> BidReply:
    """Ask once, and wait at most `seconds`. Never raises: a thread of the pool must outlive every answer."""
    started = monotonic()
    obstacle = target.find_obstacle(is_test=is_test)
    if obstacle:
        return not_asked(obstacle, started=started)
    try:
        request = prepare_custom(target.make_settings(is_test=is_test), facts=facts)
        return _send(request, target, client=client, seconds=seconds)
    except Exception as error:  # noqa: BLE001 - the one place that contains a failure of one ping
        logger.error("bidding.ask_failed", extra={"cause": type(error).__name__})
        return not_asked(type(error).__name__, started=started)


def not_asked(reason: str, *, started: float) -> BidReply:
    reading = BidReading(outcome=BidOutcome.ERROR, reason=reason)
    return BidReply(reading=reading, latency_ms=_measure(started), ended_at=monotonic())


def crowded_out(reason: str, *, at: float) -> BidReply:
    reading = BidReading(outcome=BidOutcome.ERROR, reason=reason)
    return BidReply(reading=reading, latency_ms=0, ended_at=at, is_crowded_out=True)


def _send(
    request: OutgoingRequest, target: PingTarget, *, client: OutboundClient, seconds: float
) -> BidReply:
    started = monotonic()
    result = client.send(
        OutboundRequest(
            url=request.url,
            method=request.method,
            headers=request.headers,
            body=request.body,
            timeouts=Timeouts.within(seconds),
        )
    )
    ended_at = monotonic()
    reading = _read(result, target)
    return BidReply(
        reading=reading,
        latency_ms=_measure(started, ended_at),
        ended_at=ended_at,
        request=request,
        result=result,
    )


def _read(result: OutboundResult, target: PingTarget) -> BidReading:
    if result.failure in TIMEOUTS:
        return BidReading(outcome=BidOutcome.TIMEOUT)
    if result.failure is not None or result.status is None:
        return BidReading(outcome=BidOutcome.ERROR, reason=(result.failure or "no_answer").replace("_", " "))
    answer = Answer(result.find_header("content-type"), result.body, is_cut=result.is_body_cut)
    return read_bid(result.status, answer, rules=target.rules)


def _measure(started: float, ended_at: float | None = None) -> int:
    return round(((ended_at or monotonic()) - started) * 1000)
