"""Decides what is known after a request to a carrier. Pure: a table with four outcomes.

A call is not placed if the request cannot have arrived, or if the carrier refused it (4xx). It is placed if the answer
gives its id. Everything else is unknown: the carrier may have the call.
"""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from distribution.calls.carrier.codes import name_refusal
from distribution.calls.carrier.reading import read_call, read_code, read_object, read_queue_ms
from distribution.calls.carrier.values import Dialed, DialOutcome, Problem
from distribution.deliveries.outbound import Failure, OutboundResult

LONGEST_RETRY_AFTER: Final = 3600.0
# A gateway sends these when it has passed the request on, or may have: they refuse nothing.
NO_REFUSALS: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, 499})
FAILURES: Final[Mapping[Failure, Problem]] = {
    Failure.BAD_URL: Problem.BAD_SETTINGS,
    Failure.BAD_HEADER: Problem.BAD_SETTINGS,
    Failure.REFUSED_ADDRESS: Problem.BAD_SETTINGS,
    Failure.UNKNOWN_HOST: Problem.UNREACHABLE,
    Failure.CONNECT_TIMEOUT: Problem.UNREACHABLE,
    Failure.CONNECT_FAILED: Problem.UNREACHABLE,
    Failure.TLS_FAILED: Problem.UNREACHABLE,
    Failure.CONNECTION_CUT: Problem.NO_ANSWER,
    Failure.ANSWER_TIMEOUT: Problem.NO_ANSWER,
    Failure.BODY_TIMEOUT: Problem.NO_ANSWER,
    Failure.MALFORMED: Problem.BAD_ANSWER,
    Failure.BAD_ENCODING: Problem.BAD_ANSWER,
}


def judge(result: OutboundResult) -> Dialed:
    """Return what is known about the call that this request asked for."""
    if is_refusal(result.status):
        return _judge_refusal(result)
    if not result.is_sent:
        return Dialed(DialOutcome.NOT_PLACED, code=find_code(result), problem=name_failure(result))
    if result.status is not None and result.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _unknown(result, Problem.CARRIER_FAILED)
    if result.failure is not None:
        return _unknown(result, name_failure(result))
    return _judge_answer(result)


def is_refusal(status: int | None) -> bool:
    return status is not None and 400 <= status < 500 and status not in NO_REFUSALS


def name_failure(result: OutboundResult) -> Problem:
    """The problem of a request that has no complete answer."""
    if result.failure is None:
        return Problem.BAD_ANSWER
    problem = FAILURES[result.failure]
    return Problem.UNREACHABLE if problem is Problem.NO_ANSWER and not result.is_sent else problem


def find_code(result: OutboundResult) -> str:
    """The carrier's own code, else the HTTP status, else the failure of the connection."""
    own = read_code(read_object(result)) if result.failure is None else ""
    return own or (str(result.status) if result.status is not None else _name_failure(result))


def read_retry_after(result: OutboundResult) -> float | None:
    """Seconds, of a number or of a date. A date is compared with the date of the answer: both are the carrier's."""
    written = result.find_header("retry-after").strip()
    if written.isascii() and written.isdigit():
        return min(float(written[:20]), LONGEST_RETRY_AFTER)
    try:
        until, at = (parsedate_to_datetime(text) for text in (written, result.find_header("date")))
        return min(max(0.0, (until - at).total_seconds()), LONGEST_RETRY_AFTER)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _judge_refusal(result: OutboundResult) -> Dialed:
    """The status arrived, so the call is refused even if the rest of the answer did not."""
    code = find_code(result)
    problem = name_refusal(result.status or 0, code)
    is_throttled = problem is Problem.THROTTLED
    return Dialed(
        DialOutcome.THROTTLED if is_throttled else DialOutcome.NOT_PLACED,
        code=code,
        problem=problem,
        retry_after_seconds=read_retry_after(result),
    )


def _judge_answer(result: OutboundResult) -> Dialed:
    """Redirects and other answers without the id of a call say nothing about it."""
    body = read_object(result)
    call = read_call(body)
    if call is None or not 200 <= (result.status or 0) < 300:
        return _unknown(result, Problem.BAD_ANSWER)
    return Dialed(DialOutcome.PLACED, sid=call.sid, queue_ms=read_queue_ms(body))


def _unknown(result: OutboundResult, problem: Problem) -> Dialed:
    return Dialed(DialOutcome.UNKNOWN, code=find_code(result), problem=problem)


def _name_failure(result: OutboundResult) -> str:
    return "" if result.failure is None else result.failure.value
