"""A carrier places a request twice, and the person presses a key in the call that does not count: a no is kept."""

from typing import Any, Final

import pytest
from django.db import transaction
from django.utils import timezone

from distribution.calls.applying import apply_new
from distribution.calls.inbox import store
from distribution.calls.locks import lock_verification
from distribution.calls.notices import Notice
from distribution.calls.settling import give_up
from distribution.models import BlockedPhone, Call, Verification
from routing.locks.leads_to_end import lock_unverified_lead
from routing.models import Lead
from tests.support.calling import results_of, story_of
from tests.support.factories import CallFactory

SID: Final = "CA" + "a" * 32
SECOND: Final = "CA" + "b" * 32
NUMBER: Final = "5e" * 32


@pytest.fixture
def call(committed_db: None) -> Call:  # noqa: ARG001
    made = CallFactory(phone_hash=NUMBER, verification__campaign__unverified_end="sell")
    return Call.objects.get(pk=made.pk)


def report(call: Call, *notices: Notice) -> None:
    for notice in notices:
        assert store(notice, call_id=call.pk)
    apply_new(limit=10)
    call.refresh_from_db()


def states() -> tuple[Any, ...]:
    lead, verification = Lead.objects.get(), Verification.objects.get()
    return (lead.status, lead.verification, lead.locked_by, verification.state)


def is_blocked() -> bool:
    return BlockedPhone.objects.filter(phone_hash=NUMBER, is_opt_out=True).exists()


@pytest.mark.parametrize("first", ["ringing", "in-progress", "no-answer", "completed"])
@pytest.mark.parametrize("key", ["2", "9"])
def test_no_in_a_second_call_is_kept(call: Call, key: str, first: str) -> None:
    report(call, Notice("status", SID, first, 1))

    report(call, Notice("keys", SECOND, key=key))

    assert (is_blocked(), states()) == (key == "9", ("failed", "declined", "", "declined"))
    assert call.carrier_sid == SID
    assert results_of(call)[-1] == ("keys", "", "hang_up")
    assert (call.hang_up_at is None) == (call.ended_at is not None), "the call that counts ends too"
    assert story_of(call).count("declined") == 1


@pytest.mark.parametrize("key", ["2", "9"])
def test_no_in_a_second_call_wins_over_a_yes_in_the_first(call: Call, key: str) -> None:
    report(call, Notice("keys", SID, key="1"), Notice("keys", SECOND, key=key))

    assert (call.key, is_blocked()) == (key, key == "9")


@pytest.mark.parametrize("key", ["2", "9"])
def test_no_in_a_second_call_after_the_lead_was_let_go(call: Call, key: str) -> None:
    report(call, Notice("status", SID, "completed", 1))
    with transaction.atomic():
        lead = lock_unverified_lead(call.lead_id or 0)
        assert lead is not None
        give_up(lock_verification(call.verification_id or 0), lead, reason="no_input", at=timezone.now())
    assert states() == ("pending", "unverified", "", "unverified")

    report(call, Notice("keys", SECOND, key=key))

    assert (is_blocked(), states()) == (key == "9", ("failed", "declined", "", "declined"))


def test_yes_in_a_second_call_counts_for_nothing(call: Call) -> None:
    report(call, Notice("status", SID, "ringing", 1))

    report(call, Notice("keys", SECOND, key="1"))

    assert (call.key, call.state, call.hang_up_at) == ("", "ringing", None)
    assert (is_blocked(), states()) == (False, ("calling", "", call.owner, "calling"))


def test_end_of_the_call_that_counts_frees_the_line_once(call: Call) -> None:
    report(call, Notice("status", SID, "ringing", 1))
    report(call, Notice("keys", SECOND, key="9"))
    assert call.ended_at is None

    report(call, Notice("status", SID, "no-answer", 2), Notice("status", SECOND, "completed", 3))

    assert (call.state, call.outcome, call.carrier_sid) == ("ended", "opted_out", SID)
    assert (is_blocked(), states()) == (True, ("failed", "declined", "", "declined"))
    assert story_of(call).count("ended") == 1


@pytest.mark.parametrize("key", ["2", "9"])
def test_second_call_of_a_test_counts_for_nothing(call: Call, key: str) -> None:
    made = CallFactory(
        channel=call.channel,
        workspace=call.workspace,
        kind="test",
        verification=None,
        lead=None,
        phone_hash=None,
        test_phone="+14045550101",
    )
    test = Call.objects.get(pk=made.pk)
    report(test, Notice("status", SID, "ringing", 1))

    report(test, Notice("keys", SECOND, key=key))

    assert (test.state, test.key, test.hang_up_at, is_blocked()) == ("ringing", "", None, False)
