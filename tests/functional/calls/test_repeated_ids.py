"""A carrier that gives several calls the same id: its account is stopped, the calls count, and no other call ends."""

from datetime import timedelta
from typing import Final

import pytest
from django.db import transaction
from django.utils import timezone

from distribution.calls.applying import apply_new
from distribution.calls.asking import Asked
from distribution.calls.begin import Begun, NotBegun, begin_call
from distribution.calls.carrier import CallSeen, Dialed, DialOutcome
from distribution.calls.concluding import conclude
from distribution.calls.dial_outcomes import write_dial_outcome
from distribution.calls.dialing import keep_trying, record
from distribution.calls.inbox import store
from distribution.calls.notices import Notice
from distribution.models import BlockedPhone, Call, CallNotice, CarrierAccount, Channel, Verification
from routing.models import Lead
from tests.support.calling import results_of, story_of
from tests.support.factories import ChannelFactory
from tests.support.racing import before_its_commit, in_background
from tests.support.waiting import wait_until_blocked
from tests.support.waiting_leads import AT, let_wait

pytestmark = pytest.mark.usefixtures("committed_db")

SID: Final = "CA" + "a" * 32
PLACED: Final = Dialed(DialOutcome.PLACED, sid=SID)
MINUTE: Final = timedelta(minutes=1)


def begin(waiting: Verification) -> Call:
    begun = begin_call(waiting.pk, at=AT)
    assert isinstance(begun, Begun)
    Call.objects.filter(pk=begun.call_id).update(state="dialing", dialed_at=timezone.now())
    return Call.objects.get(pk=begun.call_id)


def answer(call: Call) -> None:
    """The carrier's answer to the request is recorded."""
    at = timezone.now()
    with transaction.atomic():
        write_dial_outcome(call.pk, PLACED, dialed_at=at, at=at)
    call.refresh_from_db()


def build() -> tuple[Call, Call]:
    """A call that has the id, and another one of the account whose request is out."""
    channel = ChannelFactory(lines=5)
    first = begin(let_wait(channel, phone="+14045550102"))
    answer(first)
    CarrierAccount.objects.update(next_dial_at=None)
    Channel.objects.update(next_dial_at=None)
    return first, begin(let_wait(channel))


def test_answer_with_the_id_of_another_call_stops_the_account(caplog: pytest.LogCaptureFixture) -> None:
    first, second = build()

    answer(second)

    assert (second.dial, second.dial_problem, second.carrier_sid) == ("unknown", "bad_answer", None)
    assert (second.ended_at, Lead.objects.get(pk=second.lead_id).locked_by) == (None, second.owner)
    account = CarrierAccount.objects.get()
    assert (account.stopped_at is None, account.stop_code) == (False, "repeated_id")
    messages = [record.message for record in caplog.records]
    assert messages == ["calls.repeated_id", "calls.account_stopped"]
    first.refresh_from_db()
    assert (first.dial, first.carrier_sid, first.hang_up_at) == ("placed", SID, None)


def test_call_whose_id_is_that_of_another_is_neither_found_nor_called_again_at_once() -> None:
    _first, second = build()
    answer(second)
    assert second.dialed_at is not None
    at = second.dialed_at + 11 * MINUTE

    conclude(second.pk, Asked([CallSeen(SID, "ringing", "", "")], is_search=True), at=at)

    second.refresh_from_db()
    assert (second.outcome, second.carrier_sid) == ("not_placed", None)
    verification = Verification.objects.get(pk=second.verification_id)
    assert (verification.state, verification.reason) == ("waiting", "dial_unknown")
    assert verification.due_at == at + timedelta(seconds=30)
    assert begin_call(verification.pk, at=at + MINUTE) == NotBegun("account_stopped")


def test_answer_for_a_call_that_was_given_up_does_not_end_the_other_one() -> None:
    _first, second = build()
    assert second.dialed_at is not None
    conclude(second.pk, Asked([], is_search=True), at=second.dialed_at + 11 * MINUTE)

    answer(second)

    assert second.outcome == "not_placed"
    assert not CallNotice.objects.exists()
    assert CarrierAccount.objects.get().stop_code == "repeated_id"


@pytest.mark.parametrize(("key", "lead"), [("1", "calling"), ("2", "failed"), ("9", "failed")])
def test_no_in_a_report_with_the_id_of_another_call_is_heard(key: str, lead: str) -> None:
    first, second = build()
    store(Notice("keys", SID, key=key), call_id=second.pk)
    store(Notice("status", SID, "completed", 4), call_id=second.pk)

    apply_new(limit=10)

    second.refresh_from_db()
    assert results_of(second) == [("keys", "", "failed"), ("status", "completed", "failed")]
    assert (second.carrier_sid, second.ended_at) == (None, None)
    assert Lead.objects.get(pk=second.lead_id).status == lead
    assert BlockedPhone.objects.count() == int(key == "9")
    first.refresh_from_db()
    assert (first.ended_at, first.hang_up_at, first.key) == (None, None, "")
    assert Lead.objects.get(pk=first.lead_id).status == "calling"
    assert not CallNotice.objects.filter(result="hang_up").exists()


def test_two_answers_with_one_id_at_the_same_moment() -> None:
    channel = ChannelFactory(lines=5)
    calls = []
    for phone in ("+14045550101", "+14045550102"):
        waiting = let_wait(channel, phone=phone)
        begun = begin_call(waiting.pk, at=AT)
        assert isinstance(begun, Begun)
        Call.objects.filter(pk=begun.call_id).update(state="dialing", dialed_at=AT)
        CarrierAccount.objects.update(next_dial_at=None)
        Channel.objects.update(next_dial_at=None)
        calls.append(begun)
    first, second = calls

    with (
        before_its_commit(lambda: write_dial_outcome(first.call_id, PLACED, dialed_at=AT, at=AT)) as commit,
        in_background(lambda: keep_trying(lambda: record(second, PLACED, dialed_at=AT))) as recording,
    ):
        wait_until_blocked()
        commit()
        assert recording.result(60)

    dials = list(Call.objects.order_by("pk").values_list("dial", "carrier_sid"))
    assert dials == [("placed", SID), ("unknown", None)]
    assert CarrierAccount.objects.get().stop_code == "repeated_id"


def test_operator_who_starts_the_account_again_does_not_have_the_person_called_without_end() -> None:
    channel = ChannelFactory(lines=50)
    answer(begin(let_wait(channel, phone="+14045550102")))
    waiting = let_wait(channel)
    at, results = AT, []
    for _ in range(5):
        CarrierAccount.objects.update(next_dial_at=None, stopped_at=None, stop_code="")
        Channel.objects.update(next_dial_at=None)
        begun = begin_call(waiting.pk, at=at)
        results.append(begun)
        if isinstance(begun, NotBegun):
            break
        Call.objects.filter(pk=begun.call_id).update(state="dialing", dialed_at=at, created_at=at)
        answer(Call.objects.get(pk=begun.call_id))
        conclude(begun.call_id, Asked([], is_search=True), at=at + 11 * MINUTE)
        due_at = Verification.objects.get(pk=waiting.pk).due_at
        assert due_at is not None
        at = due_at

    assert results[3:] == [NotBegun("called_too_often", AT + timedelta(days=1, seconds=1))]
    assert story_of(Call.objects.latest("pk")).count("not_found") == 3
