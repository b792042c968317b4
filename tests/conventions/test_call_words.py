"""Each carrier problem, outcome of a call and reason to wait has words, and a row in the docs that says the same."""

import re
from pathlib import Path
from typing import Final

import pytest

from distribution.api.calldocuments import REASONS
from distribution.calls.carrier import Problem
from distribution.calls.dial_outcomes import REFUSED, WAITS
from distribution.calls.hanging_up import LEAD_MOVED_ON, QUEUED_TOO_LONG, TOO_LONG
from distribution.calls.settling import NOT_CALLABLE
from distribution.models import CallOutcome, CallPolicy
from tracing.call_events import (
    CALL_EVENT_WORDS,
    GIVEN_UP,
    HUNG_UP,
    OF_CARRIER,
    OF_PLACE,
    OUTCOMES,
    WAIT_REASONS,
    CallEventCode,
)
from tracing.call_problems import CALL_PROBLEMS, NOT_REQUESTED
from tracing.wording import sentence

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"
WORDS: Final = (DOCS / "calls-words.md").read_text()
CARRIER: Final = (DOCS / "calls-carrier.md").read_text()
THREE: Final = re.compile(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
TWO: Final = re.compile(r"^\| `(\w+)` \| ([^|]+) \|$", re.MULTILINE)
FOUR: Final = re.compile(r"^\| `(\w+)` \|[^|]*\| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
NOTHING: Final = "nothing"


def test_each_problem_has_words_and_its_row() -> None:
    assert set(CALL_PROBLEMS) == {each.value for each in Problem} - {""}
    rows = {code: (meaning, change) for code, meaning, change in FOUR.findall(CARRIER)}
    assert rows == {each.code: (each.sentence, each.change or NOTHING) for each in CALL_PROBLEMS.values()}
    assert not set(NOT_REQUESTED) & set(CALL_PROBLEMS)


def test_each_reason_to_wait_has_words_and_its_row() -> None:
    rows = {code: (meaning, change) for code, meaning, change in THREE.findall(WORDS)}
    assert rows == {each.code: (each.sentence, each.change or NOTHING) for each in WAIT_REASONS.values()}
    assert {*WAITS.values(), REFUSED, *NOT_CALLABLE, *OF_CARRIER, *OF_PLACE} <= set(WAIT_REASONS)
    assert set(OF_CARRIER.values()) <= set(CALL_PROBLEMS)


def test_each_outcome_has_words_and_its_row() -> None:
    assert set(OUTCOMES) == {each.value for each in CallOutcome} - {""}
    assert dict(TWO.findall(WORDS)) == {code: sentence(text) for code, text in GIVEN_UP.items()}


@pytest.mark.parametrize(
    "outcome", sorted(set(OUTCOMES) - {"confirmed", "declined", "opted_out", "not_placed"})
)
def test_outcome_says_whether_another_call_follows(outcome: str) -> None:
    assert (CallPolicy().find_wait(outcome) is None) == (outcome == "invalid_phone")


def test_each_event_and_each_end_by_us_has_words() -> None:
    assert set(CALL_EVENT_WORDS) == set(CallEventCode)
    assert set(HUNG_UP) == {TOO_LONG, QUEUED_TOO_LONG, LEAD_MOVED_ON}


def test_api_lists_every_reason() -> None:
    assert {code for code, _ in REASONS} == {*WAIT_REASONS, *GIVEN_UP}
