"""How a try ends, for every status code and failure, against the rules written once more as a table."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distribution.deliveries.payloads.answers import Answer, AnswerRules
from distribution.deliveries.payloads.ends import Exchange, Judgment, Outcome, judge
from tests.unit.deliveries.payload_leads import patient

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
NO_RULES = AnswerRules()
RULES = AnswerRules(accept_path="ok", reason_path="why", price_path="price")


def answered(
    status: int, body: str = "", *, rules: AnswerRules = NO_RULES, retry_after: str = ""
) -> Judgment:
    answer = Answer("application/json", body.encode())
    exchange = Exchange(is_sent=True, status_code=status, answer=answer, retry_after=retry_after)
    return judge(exchange, rules=rules, at=AT)


def expect(status: int) -> Outcome:
    if status in (408, 425, 429) or not 200 <= status < 500 or 300 <= status < 400:
        return Outcome.UNKNOWN
    return Outcome.ACCEPTED if status < 300 else Outcome.REJECTED


@pytest.mark.parametrize("status", range(100, 600))
def test_end_of_every_status_code(status: int) -> None:
    judgment = answered(status)
    assert judgment.outcome is expect(status)
    assert judgment.disables_endpoint is (status == 410)
    assert bool(judgment.error) is (judgment.outcome is Outcome.UNKNOWN)


def test_rejection_has_the_buyers_reason() -> None:
    assert answered(422, '{"why":"duplicate"}', rules=RULES).reason == "duplicate"
    assert answered(422, "<html>", rules=RULES).reason == "answered 422"
    assert answered(200, '{"ok":false,"why":"bad zip"}', rules=RULES) == Judgment(
        outcome=Outcome.REJECTED, reason="bad zip"
    )
    assert answered(200, '{"ok":false}', rules=RULES).reason == "the answer does not accept"


def test_acceptance_has_the_answered_price() -> None:
    judgment = answered(201, '{"ok":1,"price":"12.30"}', rules=RULES)
    assert judgment == Judgment(outcome=Outcome.ACCEPTED, price_cents=1230)


def test_unreadable_answer_is_unknown() -> None:
    judgment = answered(200, '{"ok":1', rules=RULES)
    assert judgment == Judgment(outcome=Outcome.UNKNOWN, error="unreadable_answer")


@patient
@given(
    failure=st.sampled_from(["connection_cut", "answer_timeout", "unknown_host", ""]),
    status=st.none() | st.integers(100, 599),
    body=st.sampled_from(['{"ok":1}', '{"ok":0}', ""]),
    rules=st.sampled_from([NO_RULES, RULES]),
)
def test_what_was_not_sent_was_not_received(
    failure: str, status: int | None, body: str, rules: AnswerRules
) -> None:
    answer = Answer("application/json", body.encode())
    exchange = Exchange(is_sent=False, failure=failure, status_code=status, answer=answer)
    assert judge(exchange, rules=rules, at=AT) == Judgment(
        outcome=Outcome.NOT_SENT, error=failure or "not_sent"
    )


@patient
@given(
    failure=st.sampled_from(["connection_cut", "answer_timeout", "body_timeout"]),
    status=st.none() | st.integers(100, 599),
    rules=st.sampled_from([NO_RULES, RULES]),
)
def test_failure_after_sending_is_unknown(failure: str, status: int | None, rules: AnswerRules) -> None:
    """Also if the status came: the connection broke before the answer was complete."""
    exchange = Exchange(is_sent=True, failure=failure, status_code=status)
    assert judge(exchange, rules=rules, at=AT) == Judgment(outcome=Outcome.UNKNOWN, error=failure)


def test_no_status_and_no_failure_is_unknown() -> None:
    assert judge(Exchange(is_sent=True), rules=NO_RULES, at=AT).outcome is Outcome.UNKNOWN


def test_redirect_is_not_followed() -> None:
    assert answered(302) == Judgment(outcome=Outcome.UNKNOWN, error="redirect")


def test_retry_after_is_read_where_a_retry_follows() -> None:
    assert answered(429, retry_after="7").retry_after_seconds == 7
    assert answered(503, retry_after="Sat, 31 Jan 2026 12:01:00 GMT").retry_after_seconds == 60
    assert answered(404, retry_after="7").retry_after_seconds is None
    assert answered(200, retry_after="7").retry_after_seconds is None
