"""Which carriers are left alone because they did not answer."""

import pytest

from distribution.calls.carrier import CarrierUnavailable, Problem
from distribution.calls.reach import Reach
from distribution.models import CarrierAccount

SILENT = CarrierUnavailable(Problem.NO_ANSWER, "timeout")
REFUSED = CarrierUnavailable(Problem.ACCOUNT_REFUSED, "20003")


def account(pk: int, *, api_url: str = "https://one.example.com") -> CarrierAccount:
    return CarrierAccount(pk=pk, api_url=api_url)


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_account_is_left_alone_for_pauses_that_double() -> None:
    clock = Clock()
    reach = Reach(clock)
    pauses = []
    for _ in range(6):
        reach.note_failure(account(1), REFUSED)
        began = clock.seconds
        while not reach.is_open(account(1)):
            clock.seconds += 1
        pauses.append(clock.seconds - began)
    assert pauses == [5, 10, 20, 40, 60, 60]


def test_question_notes_whether_it_was_answered() -> None:
    clock = Clock()
    reach = Reach(clock)
    with pytest.raises(CarrierUnavailable), reach.asking(account(1)):
        raise SILENT
    assert not reach.is_open(account(1))
    with reach.asking(account(1)):
        pass
    assert reach.is_open(account(1))


def test_answer_ends_the_pause() -> None:
    clock = Clock()
    reach = Reach(clock)
    reach.note_failure(account(1), SILENT)
    reach.note_answer(account(1))
    assert reach.is_open(account(1))
    reach.note_failure(account(1), SILENT)
    clock.seconds = 5
    assert reach.is_open(account(1))


def test_one_silent_account_closes_no_other() -> None:
    reach = Reach(Clock())
    reach.note_failure(account(1), SILENT)
    reach.note_failure(account(1), SILENT)
    assert (reach.is_open(account(1)), reach.is_open(account(2))) == (False, True)


def test_two_silent_accounts_close_their_carrier_and_no_other_one() -> None:
    reach = Reach(Clock())
    for pk in (1, 2):
        reach.note_failure(account(pk), SILENT)
    assert not reach.is_open(account(3))
    assert reach.is_open(account(4, api_url="https://two.example.com"))
    reach.note_answer(account(2))
    assert reach.is_open(account(3))


def test_refused_accounts_close_no_carrier() -> None:
    reach = Reach(Clock())
    for pk in (1, 2, 3):
        reach.note_failure(account(pk), REFUSED)
    assert reach.is_open(account(4))
