"""How often a person is called: three times in 24 hours, or as the law says."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from distribution.calls.asking import Asked
from distribution.calls.begin import Begun, NotBegun, begin_call
from distribution.calls.carrier import Dialed, DialOutcome, Problem
from distribution.calls.concluding import conclude
from distribution.calls.dial_outcomes import write_dial_outcome
from distribution.calls.trial_call import begin_test_call
from distribution.models import Call, CallingHours, CarrierAccount, Verification
from tests.support.factories import CallFactory, ChannelFactory
from tests.support.waiting_leads import AT, let_wait

pytestmark = pytest.mark.usefixtures("committed_db")

MINUTE = timedelta(minutes=1)


def state_of(verification: Verification) -> tuple[Any, ...]:
    verification.refresh_from_db()
    return (verification.state, verification.due_at, verification.reason, verification.tries)


def called(
    waiting: Verification, ago: timedelta, *, dial: str = "placed", outcome: str = "no_answer"
) -> None:
    """A call to the same phone, some time ago, of another lead."""
    at = AT - ago
    call = CallFactory(channel__account__workspace=waiting.workspace)
    Call.objects.filter(pk=call.pk).update(
        phone_hash=waiting.lead.phone_hash,
        dialed_at=at,
        dial=dial,
        state="ended",
        outcome=outcome,
        ended_at=at + MINUTE,
        next_check_at=None,
    )


def test_person_is_called_three_times_in_24_hours() -> None:
    waiting = let_wait(ChannelFactory())
    for hours in (1, 5, 23):
        called(waiting, timedelta(hours=hours))

    due_at = AT + timedelta(hours=1, seconds=1)
    assert begin_call(waiting.pk, at=AT) == NotBegun("called_too_often", due_at)
    assert state_of(waiting) == ("waiting", due_at, "called_too_often", 0)
    assert isinstance(begin_call(waiting.pk, at=due_at), Begun)


@pytest.mark.parametrize("most", [None, 20])
def test_hours_of_a_state_allow_no_more_calls_than_three(most: int | None) -> None:
    CallingHours.objects.update(most_calls_per_day=most)
    waiting = let_wait(ChannelFactory())
    for hours in (1, 5, 23):
        called(waiting, timedelta(hours=hours))

    assert begin_call(waiting.pk, at=AT) == NotBegun("called_too_often", AT + timedelta(hours=1, seconds=1))


@pytest.mark.parametrize(
    ("dial", "outcome", "counts"),
    [
        ("placed", "no_answer", True),
        ("unknown", "failed", True),
        ("", "confirmed", True),
        # The carrier did not answer, or the dialer died, and the carrier does not list the call: it may have rung.
        ("unknown", "not_placed", True),
        ("", "not_placed", True),
        ("not_placed", "not_placed", False),
        ("throttled", "not_placed", False),
    ],
)
def test_calls_that_count(dial: str, outcome: str, counts: bool) -> None:  # noqa: FBT001
    waiting = let_wait(ChannelFactory())
    for _ in range(3):
        called(waiting, timedelta(hours=2), dial=dial, outcome=outcome)

    begun = begin_call(waiting.pk, at=AT)

    assert begun == NotBegun("called_too_often", AT + timedelta(hours=22, seconds=1)) if counts else begun
    assert isinstance(begun, Begun) is not counts


def test_calls_that_may_have_rung_count_and_wait_longer_each_time() -> None:
    """Each request ends without an answer, and the carrier lists nothing ten minutes later."""
    waiting = let_wait(ChannelFactory())
    at, pauses = AT, []
    for _ in range(3):
        CarrierAccount.objects.update(next_dial_at=None)
        begun = begin_call(waiting.pk, at=at)
        assert isinstance(begun, Begun)
        Call.objects.filter(pk=begun.call_id).update(state="dialing", dialed_at=at, created_at=at)
        with transaction.atomic():
            lost = Dialed(DialOutcome.UNKNOWN, problem=Problem.NO_ANSWER)
            write_dial_outcome(begun.call_id, lost, dialed_at=at, at=at)
        at += 11 * MINUTE
        conclude(begun.call_id, Asked([], is_search=True), at=at)
        waiting.refresh_from_db()
        assert waiting.due_at is not None
        assert state_of(waiting) == ("waiting", waiting.due_at, "dial_unknown", 0)
        pauses.append(waiting.due_at - at)
        at = waiting.due_at

    CarrierAccount.objects.update(next_dial_at=None)
    due_at = AT + timedelta(hours=24, seconds=1)
    assert begin_call(waiting.pk, at=at) == NotBegun("called_too_often", due_at)
    assert pauses == [timedelta(seconds=seconds) for seconds in (30, 60, 120)]


@pytest.mark.parametrize("is_own", [True, False], ids=["own workspace", "another one"])
def test_tests_count_in_their_workspace(settings: Any, *, is_own: bool) -> None:
    settings.LEADSWITCH_BASE_URL = "https://leads.example.com"
    channel = ChannelFactory()
    waiting = let_wait(channel)
    phone = waiting.lead.phone
    tested = channel if is_own else ChannelFactory()
    for _ in range(3):
        begun = begin_test_call(tested.pk, phone, "ann", at=AT - timedelta(hours=2))
        Call.objects.filter(pk=begun.call_id).update(
            dialed_at=AT - timedelta(hours=2),
            state="ended",
            outcome="busy",
            ended_at=AT,
            next_check_at=None,
            test_phone="",
        )

    result = begin_call(waiting.pk, at=AT)

    assert isinstance(result, NotBegun) is is_own


def test_law_says_how_often() -> None:
    waiting = let_wait(ChannelFactory())
    called(waiting, timedelta(hours=2))
    rows = CallingHours.objects.filter(country="US", state="GA")
    rows.update(most_calls_per_day=1)
    try:
        assert begin_call(waiting.pk, at=AT) == NotBegun(
            "called_too_often", AT + timedelta(hours=22, seconds=1)
        )
    finally:
        rows.update(most_calls_per_day=None)
