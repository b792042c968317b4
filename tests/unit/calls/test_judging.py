"""What is known after a request to place a call: a row for each case."""

import json
from typing import Any, Final

import pytest

from distribution.calls.carrier import Dialed, DialOutcome, Problem, judge
from distribution.deliveries.outbound import Failure, OutboundResult

SID: Final = "CA" + "0" * 32
PLACED, NOT_PLACED, THROTTLED, UNKNOWN = DialOutcome
PHONE: Final = "+14045550123"


def result(
    status: int | None = None,
    body: object = b"",
    *,
    failure: Failure | None = None,
    is_sent: bool = True,
    is_body_cut: bool = False,
    **headers: str,
) -> OutboundResult:
    return OutboundResult(
        is_sent=is_sent,
        duration_ms=1,
        failure=failure,
        detail="",
        address="",
        status=status,
        headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()),
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        is_body_cut=is_body_cut,
    )


def refusal(status: int, code: int) -> OutboundResult:
    return result(
        status, {"code": code, "message": f"The phone number {PHONE} is not valid.", "status": status}
    )


def test_call_with_an_id_is_placed() -> None:
    placed = {"sid": SID, "status": "queued", "queue_time": "1500", "to": PHONE}
    assert judge(result(201, placed)) == Dialed(PLACED, sid=SID, queue_ms=1500)
    assert judge(result(200, {"sid": SID, "queue_time": None})) == Dialed(PLACED, sid=SID)
    of_another_carrier = "8a2a9c3e-52d6-4a4c-9a51-1f6d6ac2b7aa"
    assert judge(result(201, {"sid": of_another_carrier})).sid == of_another_carrier


REFUSED: Final = {
    (400, 10001): (NOT_PLACED, Problem.ACCOUNT_REFUSED),
    (400, 10002): (NOT_PLACED, Problem.ACCOUNT_LIMITED),
    (400, 10004): (NOT_PLACED, Problem.CONCURRENCY),
    (429, 10004): (NOT_PLACED, Problem.CONCURRENCY),
    (400, 13223): (NOT_PLACED, Problem.INVALID_PHONE),
    (400, 13224): (NOT_PLACED, Problem.INVALID_PHONE),
    (400, 13225): (NOT_PLACED, Problem.PHONE_REFUSED),
    (400, 13227): (NOT_PLACED, Problem.GEO),
    (401, 20003): (NOT_PLACED, Problem.ACCOUNT_REFUSED),
    (403, 20003): (NOT_PLACED, Problem.ACCOUNT_REFUSED),
    (403, 20005): (NOT_PLACED, Problem.ACCOUNT_REFUSED),
    (404, 20404): (NOT_PLACED, Problem.BAD_SETTINGS),
    (429, 20429): (THROTTLED, Problem.THROTTLED),
    (400, 20429): (THROTTLED, Problem.THROTTLED),
    (400, 21202): (NOT_PLACED, Problem.PHONE_REFUSED),
    (400, 21203): (NOT_PLACED, Problem.GEO),
    (400, 21210): (NOT_PLACED, Problem.NUMBER_REFUSED),
    (400, 21211): (NOT_PLACED, Problem.INVALID_PHONE),
    (400, 21212): (NOT_PLACED, Problem.NUMBER_REFUSED),
    (400, 21214): (NOT_PLACED, Problem.INVALID_PHONE),
    (400, 21215): (NOT_PLACED, Problem.GEO),
    (400, 21216): (NOT_PLACED, Problem.PHONE_REFUSED),
    (400, 21217): (NOT_PLACED, Problem.INVALID_PHONE),
    (400, 21219): (NOT_PLACED, Problem.ACCOUNT_LIMITED),
    (400, 22005): (NOT_PLACED, Problem.QUEUE_FULL),
    (429, 22005): (NOT_PLACED, Problem.QUEUE_FULL),
    (400, 86008): (NOT_PLACED, Problem.CONCURRENCY),
    (400, 99999): (NOT_PLACED, Problem.REFUSED),
}


@pytest.mark.parametrize(("status", "code"), REFUSED)
def test_code_of_the_carrier_names_the_problem(status: int, code: int) -> None:
    outcome, problem = REFUSED[status, code]
    assert judge(refusal(status, code)) == Dialed(outcome, code=str(code), problem=problem)


@pytest.mark.parametrize(
    ("status", "outcome", "problem"),
    [
        (400, NOT_PLACED, Problem.REFUSED),
        (401, NOT_PLACED, Problem.ACCOUNT_REFUSED),
        (403, NOT_PLACED, Problem.ACCOUNT_REFUSED),
        (404, NOT_PLACED, Problem.BAD_SETTINGS),
        (405, NOT_PLACED, Problem.REFUSED),
        (413, NOT_PLACED, Problem.REFUSED),
        (422, NOT_PLACED, Problem.REFUSED),
        (429, THROTTLED, Problem.THROTTLED),
        # A gateway may have passed the request on.
        (408, UNKNOWN, Problem.BAD_ANSWER),
        (499, UNKNOWN, Problem.BAD_ANSWER),
        (500, UNKNOWN, Problem.CARRIER_FAILED),
        (502, UNKNOWN, Problem.CARRIER_FAILED),
        (503, UNKNOWN, Problem.CARRIER_FAILED),
        (504, UNKNOWN, Problem.CARRIER_FAILED),
        (599, UNKNOWN, Problem.CARRIER_FAILED),
        (301, UNKNOWN, Problem.BAD_ANSWER),
        (307, UNKNOWN, Problem.BAD_ANSWER),
    ],
)
def test_status_decides_without_a_code(status: int, outcome: DialOutcome, problem: Problem) -> None:
    for body in (b"", b"<html>gateway</html>", b'"text"', b'{"code": null}', b'{"code": true}', b"[" * 9_000):
        assert judge(result(status, body)) == Dialed(outcome, code=str(status), problem=problem)


def test_failure_of_the_carrier_is_unknown_also_with_a_code_that_is_never_processed() -> None:
    for code in (20429, 20503, 21211):
        expected = Dialed(UNKNOWN, code=str(code), problem=Problem.CARRIER_FAILED)
        assert judge(refusal(503, code)) == expected


@pytest.mark.parametrize(
    ("failure", "problem"),
    [
        (Failure.BAD_URL, Problem.BAD_SETTINGS),
        (Failure.BAD_HEADER, Problem.BAD_SETTINGS),
        (Failure.REFUSED_ADDRESS, Problem.BAD_SETTINGS),
        (Failure.UNKNOWN_HOST, Problem.UNREACHABLE),
        (Failure.CONNECT_TIMEOUT, Problem.UNREACHABLE),
        (Failure.CONNECT_FAILED, Problem.UNREACHABLE),
        (Failure.TLS_FAILED, Problem.UNREACHABLE),
        (Failure.CONNECTION_CUT, Problem.UNREACHABLE),
        (Failure.ANSWER_TIMEOUT, Problem.UNREACHABLE),
    ],
)
def test_request_that_was_not_sent_is_not_placed(failure: Failure, problem: Problem) -> None:
    dialed = judge(result(failure=failure, is_sent=False))
    assert dialed == Dialed(NOT_PLACED, code=failure.value, problem=problem)


@pytest.mark.parametrize(
    ("failure", "problem"),
    [
        (Failure.CONNECTION_CUT, Problem.NO_ANSWER),
        (Failure.ANSWER_TIMEOUT, Problem.NO_ANSWER),
        (Failure.MALFORMED, Problem.BAD_ANSWER),
    ],
)
def test_request_that_was_sent_without_an_answer_is_unknown(failure: Failure, problem: Problem) -> None:
    assert judge(result(failure=failure)) == Dialed(UNKNOWN, code=failure.value, problem=problem)


@pytest.mark.parametrize(
    ("failure", "problem"),
    [
        (Failure.CONNECTION_CUT, Problem.NO_ANSWER),
        (Failure.BODY_TIMEOUT, Problem.NO_ANSWER),
        (Failure.MALFORMED, Problem.BAD_ANSWER),
        (Failure.BAD_ENCODING, Problem.BAD_ANSWER),
    ],
)
def test_answer_that_is_not_complete_is_unknown(failure: Failure, problem: Problem) -> None:
    """Also if the part that arrived has the id: what is cut is not read."""
    cut = json.dumps({"sid": SID}).encode()
    assert judge(result(201, cut, failure=failure)) == Dialed(UNKNOWN, code="201", problem=problem)


def test_refusal_counts_although_its_body_is_cut() -> None:
    cut = result(400, b'{"code": 21211', failure=Failure.CONNECTION_CUT)
    assert judge(cut) == Dialed(NOT_PLACED, code="400", problem=Problem.REFUSED)
    slow = result(429, b"", failure=Failure.BODY_TIMEOUT)
    assert judge(slow) == Dialed(THROTTLED, code="429", problem=Problem.THROTTLED)


def test_answer_before_the_request_was_sent_is_not_placed() -> None:
    early = result(500, b"", is_sent=False)
    assert judge(early) == Dialed(NOT_PLACED, code="500", problem=Problem.BAD_ANSWER)
    assert judge(result(413, b"", is_sent=False)).outcome is NOT_PLACED


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Created</html>",
        b"[]",
        b"null",
        {},
        {"sid": ""},
        {"sid": None},
        {"sid": 5},
        {"sid": "CA/../x" + "0" * 20},
        {"sid": "C" * 65},
        {"call": {"sid": SID}},
    ],
)
def test_success_without_an_id_is_unknown(body: Any) -> None:
    assert judge(result(201, body)) == Dialed(UNKNOWN, code="201", problem=Problem.BAD_ANSWER)


def test_success_that_is_too_long_to_read_is_unknown() -> None:
    assert judge(result(201, {"sid": SID}, is_body_cut=True)).outcome is UNKNOWN


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry_After": "2"}, 2),
        ({"Retry_After": "0"}, 0),
        ({"Retry_After": "99999999999999999999999"}, 3600),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "-1"}, None),
        ({"Retry_After": "Mon, 30 Nov 2026 10:00:30 GMT", "Date": "Mon, 30 Nov 2026 10:00:00 GMT"}, 30),
        ({"Retry_After": "Mon, 30 Nov 2026 09:00:00 GMT", "Date": "Mon, 30 Nov 2026 10:00:00 GMT"}, 0),
        ({"Retry_After": "Mon, 30 Nov 2026 10:00:30 GMT"}, None),
    ],
)
def test_throttled_says_when_to_come_back(headers: dict[str, str], seconds: float | None) -> None:
    dialed = judge(result(429, {"code": 20429}, **headers))
    assert dialed.outcome is THROTTLED
    assert dialed.retry_after_seconds == seconds


def test_every_failure_and_every_problem_has_a_case() -> None:
    """Of what a dial can end with. A new failure of the client must get a row."""
    sent = {judge(result(failure=failure)).problem for failure in Failure}
    assert sent == {Problem.BAD_SETTINGS, Problem.UNREACHABLE, Problem.NO_ANSWER, Problem.BAD_ANSWER}
    named = {problem for _, problem in REFUSED.values()} | sent | {Problem.NONE, Problem.CARRIER_FAILED}
    assert named | {Problem.SENT_TOO_LATE} == set(Problem), "and what no carrier was asked"


def test_nothing_known_of_a_dial_shows_the_phone() -> None:
    assert PHONE not in repr(judge(refusal(400, 21211)))
    assert PHONE not in repr(refusal(400, 21211))
