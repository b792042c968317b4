"""Calls that the carrier does not report on: it is asked, and no line is freed on time alone."""

from datetime import timedelta
from typing import Any, Final

import pytest
from django.db import transaction
from django.utils import timezone

from distribution.calls.applying import apply_new
from distribution.calls.asking import ask
from distribution.calls.carrier import CarrierClient, Dialed, DialOutcome
from distribution.calls.checking import check_due
from distribution.calls.concluding import conclude
from distribution.calls.dial_outcomes import write_dial_outcome
from distribution.calls.hanging_up import request_hang_up
from distribution.calls.hearing import hear
from distribution.calls.inbox import store
from distribution.calls.locks import lock_call
from distribution.calls.not_placed import end_not_placed
from distribution.calls.notices import Notice
from distribution.calls.states import Said
from distribution.models import Call, CallEvent, CallNotice, CarrierAccount, Verification
from leadswitch.levels.calls import read_calls
from routing.models import Lead
from tests.support.calling import Office, story_of
from tests.support.factories import CallFactory, CarrierAccountFactory, ChannelFactory
from tests.support.waiting import wait_until

AFTER_SEARCH: Final = timedelta(seconds=601)
AFTER_CAP: Final = timedelta(seconds=1 + 30 + 61)
SID: Final = "CA" + "e" * 32


def fresh(call: Call) -> Call:
    return Call.objects.get(pk=call.pk)


def lead_of(call: Call) -> tuple[str, str, str]:
    lead = Lead.objects.get(pk=call.lead_id)
    return lead.status, lead.verification, lead.locked_by


def place(office: Office, digits: str, **changes: Any) -> Call:
    """A call whose sid is known."""
    call = office.begin(digits, **changes)
    dialed = office.request(call)
    assert dialed.outcome is DialOutcome.PLACED
    Call.objects.filter(pk=call.pk).update(carrier_sid=dialed.sid, dial="placed")
    return fresh(call)


@pytest.mark.parametrize(
    ("digits", "outcome", "lead"),
    [
        ("01", "confirmed", ("pending", "call", "")),
        ("02", "declined", ("failed", "declined", "")),
        ("04", "voicemail", ("gated", "", "")),
        ("05", "busy", ("gated", "", "")),
        ("06", "no_answer", ("gated", "", "")),
        ("07", "failed", ("gated", "", "")),
    ],
)
def test_lost_reports_are_made_up_for(
    office: Office, digits: str, outcome: str, lead: tuple[str, str, str]
) -> None:
    office.carrier.configure(lose=1, second_ms=20)
    call = place(office, digits)
    office.wait_until_over()

    assert office.check() == 1

    call = fresh(call)
    assert (call.outcome, call.ended_by, lead_of(call)) == (outcome, "poll", lead)
    assert office.check() == 0


def test_price_of_a_call_is_kept(office: Office) -> None:
    office.carrier.configure(lose=1)
    call = place(office, "01")
    office.wait_until_over()
    office.check()
    assert (fresh(call).cost_micros, fresh(call).cost_currency) == (14_000, "USD")


def test_live_call_keeps_its_line_and_its_lead(office: Office) -> None:
    call = place(office, "27", verification__lead__locked_at=timezone.now() - timedelta(hours=1))
    office.wait_until_reported("ringing")

    office.check()

    call = fresh(call)
    assert (call.state, call.ended_at, call.checks) == ("ringing", None, 1)
    assert call.next_check_at is not None
    assert timedelta() < call.next_check_at - timezone.now() <= timedelta(seconds=15)
    lead = Lead.objects.get(pk=call.lead_id)
    assert lead.locked_by == call.owner
    assert lead.locked_at is not None
    assert timezone.now() - lead.locked_at < timedelta(minutes=5)


@pytest.mark.parametrize("fault", ["fail_after", "reset_after"])
def test_unknown_call_is_found(office: Office, fault: str) -> None:
    office.carrier.configure(lose=1, second_ms=20, **{fault: 1})
    call = office.begin("05")
    assert office.request(call).outcome is DialOutcome.UNKNOWN
    Call.objects.filter(pk=call.pk).update(dial="unknown")
    office.wait_until_over()

    office.check()

    call = fresh(call)
    assert (call.outcome, call.ended_by, lead_of(call)) == ("busy", "poll", ("gated", "", ""))
    assert call.carrier_sid == office.carrier.calls()[0]["sid"]
    assert (call.dial, story_of(call)[0]) == ("placed", "found")
    assert len(office.carrier.requests("POST")) == 1


def test_call_that_reports_is_in_doubt_no_longer(office: Office) -> None:
    """Its answer was lost. Until then the alert on unknown calls counts it."""
    call = office.begin("27", state="dialing", dial="unknown", dialed_at=timezone.now())
    assert read_calls().unknown == 1

    store(Notice("status", "CA" + "1" * 32, "ringing"), call_id=call.pk)
    apply_new(limit=10)

    assert (fresh(call).dial, fresh(call).state, story_of(call)[0]) == ("placed", "ringing", "found")
    assert (read_calls().unknown, read_calls().oldest_unknown_seconds) == (0, 0)


def test_call_whose_dialer_died_after_the_request_is_found(office: Office) -> None:
    office.carrier.configure(lose=1, second_ms=20)
    call = office.begin("05")
    office.request(call)
    office.wait_until_over()
    office.check()
    assert (fresh(call).outcome, fresh(call).dial) == ("busy", "")


@pytest.mark.parametrize(
    ("after", "wait"), [(0, 5), (6, 9), (16, 44), (61, 60), (599, 60)], ids=lambda value: f"{value}s"
)
def test_unknown_call_is_searched_for_at_longer_intervals(office: Office, after: int, wait: int) -> None:
    office.carrier.configure(fail_before=1)
    call = office.begin("01", dial="unknown")
    assert office.request(call).outcome is DialOutcome.UNKNOWN
    at = (call.dialed_at or timezone.now()) + timedelta(seconds=after)
    Call.objects.update(next_check_at=at)

    assert check_due(limit=10, get_carrier=office.get_carrier, clock=lambda: at) == 1

    call = fresh(call)
    assert (call.ended_at, call.next_check_at) == (None, at + timedelta(seconds=wait))
    assert lead_of(call)[2] == call.owner


def test_call_that_the_carrier_never_had_was_not_placed(office: Office) -> None:
    office.carrier.configure(fail_before=1)
    call = office.begin("01", dial="unknown", verification__tries=1)
    office.request(call)

    office.check(after=AFTER_SEARCH)

    call = fresh(call)
    assert (call.outcome, call.ended_by, lead_of(call)) == ("not_placed", "poll", ("gated", "", ""))
    verification = Verification.objects.get()
    assert (verification.state, verification.tries) == ("waiting", 0)
    assert verification.due_at is not None
    assert story_of(call) == ["not_found"]


def test_unreachable_carrier_frees_no_line(office: Office) -> None:
    office.carrier.configure(fail_before=1)
    unknown = office.begin("01", dial="unknown")
    office.request(unknown)
    office.carrier.configure(fail_before=0, lose=1)
    placed = place(office, "27")
    office.carrier.go_away()

    for hours in (1, 24, 1_000):
        assert office.check(after=timedelta(hours=hours)) == 2
    assert [fresh(call).ended_at for call in (unknown, placed)] == [None, None]
    assert [lead_of(call)[2] for call in (unknown, placed)] == [unknown.owner, placed.owner]

    office.carrier.come_back()
    office.check(after=AFTER_SEARCH)
    office.wait_until_over()
    office.check(after=AFTER_SEARCH)
    assert fresh(unknown).outcome == "not_placed"
    assert fresh(placed).ended_by == "cap"


def test_silent_account_is_asked_once_a_round(office: Office) -> None:
    for digits in ("30", "31", "32"):
        place(office, digits)
    asked: list[str] = []

    def get_carrier(account: CarrierAccount) -> CarrierClient:
        asked.append(account.name)
        return office.get_carrier(account)

    office.carrier.go_away()
    Call.objects.update(next_check_at=timezone.now())
    assert check_due(limit=10, get_carrier=get_carrier) == 3
    assert len(asked) == 1


def test_second_call_for_a_request_is_ended_and_the_first_counts(office: Office) -> None:
    office.carrier.configure(lose=1)
    call = office.begin("27", dial="unknown")
    office.request(call)
    wait_until(lambda: len(office.carrier.calls()) == 1, what="the first call")
    office.request(call)

    office.check()

    first, second = office.carrier.calls()
    assert fresh(call).carrier_sid == first["sid"]
    wait_until(lambda: office.carrier.calls()[1]["ended_by"] == "api", what="the end of the second")
    assert office.carrier.calls()[0]["ended_at"] is None
    assert story_of(call)[:2] == ["found", "second_call"]
    [note] = CallNotice.objects.filter(carrier_sid=second["sid"])
    assert (note.result, note.applied_at is not None) == ("hung_up", True)


def test_second_call_that_reports_is_ended_and_what_it_says_does_not_count(office: Office) -> None:
    call = office.begin("27")
    first = office.request(call)
    Call.objects.filter(pk=call.pk).update(carrier_sid=first.sid)
    second = office.request(call)
    office.carrier.act(second.sid, "busy")
    wait_until(
        lambda: (
            apply_new(limit=10) >= 0
            and CallNotice.objects.filter(carrier_sid=second.sid, result="hang_up", status="busy").exists()
        ),
        what="reports of the second",
    )

    assert (fresh(call).state != "ended", fresh(call).carrier_sid) == (True, first.sid)
    office.check()
    assert not CallNotice.objects.filter(applied_at__isnull=True, result="hang_up").exists()
    assert story_of(call).count("second_call") == 1


def test_call_that_lasts_too_long_is_hung_up(office: Office) -> None:
    call = place(office, "25")
    office.wait_until_reported("answered")
    apply_new(limit=10)
    office.carrier.configure(lose=1)

    office.check(after=AFTER_CAP - timedelta(seconds=2))
    assert (fresh(call).hang_up_at, fresh(call).ended_at) == (None, None)
    office.check(after=AFTER_CAP)
    office.wait_until_over()
    office.check(after=AFTER_CAP + timedelta(seconds=5))

    call = fresh(call)
    assert (call.outcome, call.ended_by, lead_of(call)) == ("no_input", "cap", ("gated", "", ""))
    assert office.carrier.calls()[0]["ended_by"] == "api"
    assert "hung_up" in story_of(call)


def test_ringing_call_that_lasts_too_long_is_canceled_and_called_again(office: Office) -> None:
    office.carrier.configure(lose=1)
    call = place(office, "27")
    office.check(after=AFTER_CAP)
    office.wait_until_over()
    office.check(after=AFTER_CAP)
    assert (fresh(call).outcome, fresh(call).ended_by) == ("canceled", "cap")
    assert Verification.objects.get().state == "waiting"


def test_unknown_call_that_the_carrier_keeps_in_its_queue_is_canceled(office: Office) -> None:
    """It would ring after the hours. It is asked about in time, and its line is free once the carrier has ended it."""
    office.carrier.change_account(calls_per_second=0.001)
    office.request(office.begin("27"))
    office.carrier.configure(lose=1, fail_after=1)
    call = office.begin("05")
    assert office.request(call).outcome is DialOutcome.UNKNOWN
    Call.objects.filter(pk=call.pk).update(dial="unknown", dialed_at=timezone.now())

    office.check(after=timedelta(seconds=20))
    call = fresh(call)
    assert (call.state, call.hang_up_at, story_of(call)) == ("queued", None, ["found"])
    assert call.next_check_at == call.created_at + timedelta(seconds=30)

    office.check(after=timedelta(seconds=31))
    call = fresh(call)
    assert (call.state, call.hang_up_at is None) == ("queued", False)
    assert CallEvent.objects.get(call_id=call.pk, code="hung_up").data == {"why": "queued_too_long"}

    office.check(after=timedelta(seconds=31))
    call = fresh(call)
    assert (call.outcome, call.ended_by, lead_of(call)) == ("not_placed", "poll", ("gated", "", ""))
    assert [each["ended_by"] for each in office.carrier.calls() if each["sid"] == call.carrier_sid] == ["api"]


def test_call_in_the_queue_of_a_carrier_that_is_away_keeps_its_line(office: Office) -> None:
    office.carrier.change_account(calls_per_second=0.001)
    office.request(office.begin("27"))
    office.carrier.configure(lose=1)
    call = place(office, "05", dialed_at=timezone.now())
    office.carrier.go_away()

    office.check(after=timedelta(hours=1))

    assert (fresh(call).ended_at, fresh(call).hang_up_at) == (None, None)
    assert lead_of(call) == ("calling", "", call.owner)


def test_ringing_call_is_not_canceled_because_of_the_queue(office: Office) -> None:
    office.carrier.configure(lose=1)
    call = place(office, "27", dialed_at=timezone.now())
    wait_until(lambda: office.carrier.calls()[0]["status"] == "ringing", what="the ring")

    office.check(after=timedelta(seconds=60))

    assert (fresh(call).state, fresh(call).hang_up_at) == ("ringing", None)


@pytest.mark.parametrize("status", ["cancelled", "expired", "failed"])
def test_call_of_a_lead_that_moved_on_is_hung_up(office: Office, status: str) -> None:
    office.carrier.configure(lose=1)
    call = place(office, "27")
    Lead.objects.filter(pk=call.lead_id).update(
        status=status, locked_by="", locked_at=None, finished_at=timezone.now()
    )

    check_due(limit=10, get_carrier=office.get_carrier)
    office.wait_until_over()
    office.check(after=timedelta(seconds=5))

    call = fresh(call)
    assert (call.outcome, call.ended_by, lead_of(call)) == ("canceled", "poll", (status, "", ""))
    assert story_of(call)[0] == "hung_up"
    assert Verification.objects.get().state == "closed"


def test_call_that_its_key_has_decided_is_heard_to_its_end(office: Office) -> None:
    call = office.begin("01", key="1", state="in_progress", carrier_sid=SID)
    Lead.objects.filter(pk=call.lead_id).update(
        status="pending", locked_by="", locked_at=None, next_attempt_at=timezone.now()
    )
    check_due(limit=10, get_carrier=office.get_carrier)
    assert fresh(call).hang_up_at is None


def test_hang_up_is_asked_once(office: Office) -> None:
    call = place(office, "27")
    at = timezone.now()
    with transaction.atomic():
        assert request_hang_up(lock_call(call.pk).call, "operator", at)
        assert not request_hang_up(lock_call(call.pk).call, "operator", at)
    assert (fresh(call).hang_up_at, fresh(call).next_check_at) == (at, at)


@pytest.mark.parametrize(("hung_up", "seconds"), [(False, 45), (True, 0)], ids=["talks", "hung up"])
def test_answered_call_is_asked_about_soon(office: Office, seconds: int, *, hung_up: bool) -> None:
    """At once, if it is to be hung up: the answer does not put that off."""
    call = office.begin("01", carrier_sid=SID)
    at = timezone.now()
    if hung_up:
        Call.objects.update(hang_up_at=at, next_check_at=at)
    with transaction.atomic():
        hear(lock_call(call.pk), Said("in-progress"), by="webhook", at=at)
    assert fresh(call).next_check_at == at + timedelta(seconds=seconds)


def test_late_answer_does_not_put_off_the_end(office: Office) -> None:
    call = office.begin("01")
    at = timezone.now()
    Call.objects.update(hang_up_at=at, next_check_at=at)
    dialed = Dialed(DialOutcome.PLACED, sid=SID)
    with transaction.atomic():
        write_dial_outcome(call.pk, dialed, dialed_at=at, at=at)
    assert (fresh(call).carrier_sid, fresh(call).next_check_at) == (SID, at)


@pytest.mark.parametrize("seconds", [59, 60])
def test_call_that_was_never_requested_was_not_placed(office: Office, seconds: int) -> None:
    is_ended = seconds == 60
    at = timezone.now()
    call = office.begin("01", state="created", dialed_at=None, created_at=at, verification__tries=1)
    Call.objects.update(next_check_at=at)

    check_due(limit=1, get_carrier=office.get_carrier, clock=lambda: at + timedelta(seconds=seconds))

    call = fresh(call)
    assert (call.outcome == "not_placed", call.ended_by) == (is_ended, "dial" if is_ended else "")
    assert call.next_check_at == (None if is_ended else at + timedelta(seconds=60))
    assert lead_of(call)[0] == ("gated" if is_ended else "calling")
    assert office.carrier.requests() == []


def test_call_that_the_carrier_forgot_ends_when_it_cannot_be_live(office: Office) -> None:
    call = office.begin("01", carrier_sid=SID)
    office.check()
    assert fresh(call).ended_at is None
    office.check(after=AFTER_CAP)
    assert (fresh(call).outcome, fresh(call).ended_by) == ("failed", "poll")


def test_call_of_another_row_is_not_found(office: Office) -> None:
    office.carrier.configure(lose=1, second_ms=20)
    place(office, "05")
    office.wait_until_over()
    office.check()
    office.carrier.configure(fail_before=1)
    other = office.begin("05", dial="unknown")
    office.request(other)

    office.check()
    assert (fresh(other).carrier_sid, fresh(other).ended_at) == (None, None)
    office.check(after=AFTER_SEARCH)
    assert fresh(other).outcome == "not_placed"


def test_call_that_cannot_be_checked_stops_no_other(office: Office) -> None:
    office.carrier.configure(lose=1, second_ms=20)
    broken = CallFactory(
        channel=ChannelFactory(account=CarrierAccountFactory(workspace=office.channel.workspace)),
        carrier_sid=SID,
    )
    call = place(office, "05")
    office.wait_until_over()

    def get_carrier(account: CarrierAccount) -> CarrierClient:
        if account.pk == broken.account_id:
            raise ZeroDivisionError
        return office.get_carrier(account)

    Call.objects.update(next_check_at=timezone.now())
    assert check_due(limit=10, get_carrier=get_carrier) == 2
    assert (fresh(call).outcome, fresh(broken).ended_at) == ("busy", None)
    assert check_due(limit=10, get_carrier=get_carrier) == 0


def test_key_that_waits_in_the_inbox_decides_before_the_end_does(office: Office) -> None:
    call = place(office, "01")
    office.wait_until_reported()

    office.check()

    assert (fresh(call).outcome, lead_of(call)[:2]) == ("confirmed", ("pending", "call"))
    assert "again" not in story_of(call)
    assert apply_new(limit=10) == 0


def test_call_that_was_given_up_and_comes_late_is_hung_up(office: Office) -> None:
    office.carrier.configure(fail_before=1)
    call = office.begin("27", dial="unknown")
    office.request(call)
    office.check(after=AFTER_SEARCH)
    assert fresh(call).outcome == "not_placed"
    before = Verification.objects.values().get(), Lead.objects.values().get()
    office.carrier.configure(fail_before=0)
    late = office.request(call)
    office.wait_until_reported("ringing")

    apply_new(limit=10)
    office.finish_others()
    office.wait_until_reported()
    apply_new(limit=10)

    assert office.carrier.calls()[0]["ended_by"] == "api"
    assert (fresh(call).outcome, fresh(call).carrier_sid) == ("canceled", late.sid)
    assert (Verification.objects.values().get(), Lead.objects.values().get()) == before


def test_search_that_ends_after_its_call_was_given_up_hangs_up_what_it_found(office: Office) -> None:
    office.carrier.configure(lose=1)
    call = office.begin("27", dial="unknown")
    office.request(call)
    asked = ask(call, office.get_carrier(office.channel.account), at=timezone.now())
    with transaction.atomic():
        end_not_placed(lock_call(call.pk), due_at=timezone.now(), reason="", by="poll", at=timezone.now())

    conclude(call.pk, asked, at=timezone.now())
    office.finish_others()

    office.wait_until_over()
    assert office.carrier.calls()[0]["ended_by"] == "api"
    assert fresh(call).outcome == "not_placed"


def test_key_after_a_call_was_given_up_decides(office: Office) -> None:
    call = office.begin("01", dial="unknown")
    with transaction.atomic():
        end_not_placed(lock_call(call.pk), due_at=timezone.now(), reason="", by="poll", at=timezone.now())
    store(Notice("keys", SID, key="1"), call_id=call.pk)

    apply_new(limit=10)

    assert (fresh(call).outcome, lead_of(call)) == ("confirmed", ("pending", "call", ""))
    assert CallNotice.objects.get().result == "hang_up"


def test_cost_of_a_reported_call_is_asked_for_later(office: Office) -> None:
    call = office.begin("01")
    office.request(call)
    office.finish(call)
    assert call.ended_at is not None
    assert (call.cost_micros, call.cost_due_at) == (None, call.ended_at + timedelta(minutes=10))

    asked = len(office.carrier.requests("GET"))
    office.check(after=timedelta(minutes=9))
    assert len(office.carrier.requests("GET")) == asked
    office.check(after=timedelta(minutes=11))

    call = fresh(call)
    assert (call.cost_micros, call.cost_currency, call.cost_due_at) == (14_000, "USD", None)


@pytest.mark.parametrize(("hours", "is_asked_again"), [(1, True), (25, False)], ids=["an hour", "a day"])
def test_cost_that_is_not_known_is_asked_for_during_a_day(
    office: Office, hours: int, *, is_asked_again: bool
) -> None:
    at = timezone.now()
    call = office.begin("05")
    Call.objects.update(
        state="ended", outcome="no_input", ended_at=at, next_check_at=None, carrier_sid=SID, cost_due_at=at
    )
    office.check(after=timedelta(hours=hours))
    assert (fresh(call).cost_due_at is not None, fresh(call).cost_micros) == (is_asked_again, None)


@pytest.mark.parametrize(("hours", "is_asked_again"), [(1, True), (25, False)], ids=["an hour", "a day"])
def test_carrier_that_is_away_is_asked_for_a_cost_during_a_day(
    office: Office, hours: int, *, is_asked_again: bool
) -> None:
    at = timezone.now()
    call = office.begin("05")
    Call.objects.update(
        state="ended", outcome="no_input", ended_at=at, next_check_at=None, carrier_sid=SID, cost_due_at=at
    )
    office.carrier.go_away()
    office.check(after=timedelta(hours=hours))
    assert (fresh(call).cost_due_at is not None) == is_asked_again


def test_call_that_was_not_answered_is_free(office: Office) -> None:
    office.carrier.configure(second_ms=20)
    call = office.begin("05")
    office.request(call)
    assert office.finish(call).cost_due_at is None
