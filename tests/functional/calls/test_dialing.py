"""Placing a call: exactly one request, and what each answer of the carrier means for call, line, lead and account."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from distribution.calls.begin import Begun, NotBegun, begin_call
from distribution.calls.carrier import Dialed, DialOutcome, Problem
from distribution.calls.dial_outcomes import write_dial_outcome
from distribution.calls.dialing import dial, place, record, start_request
from distribution.calls.locks import count_lines
from distribution.models import Call, CarrierAccount, Channel, Verification
from routing.models import Lead
from tests.support.calling import Office
from tests.support.factories import CallFactory, ChannelFactory
from tests.support.waiting_leads import AT, events_of, let_wait
from tracing.models import AuditEntry

SECOND = timedelta(seconds=1)


def begin(office: Office, digits: str, **changes: Any) -> tuple[Verification, Begun]:
    waiting = let_wait(office.channel, phone=f"+140455501{digits}", **changes)
    begun = begin_call(waiting.pk, at=AT)
    assert isinstance(begun, Begun)
    return waiting, begun


def dial_one(office: Office, digits: str, **changes: Any) -> tuple[Verification, Call]:
    waiting, begun = begin(office, digits, **changes)
    dial(begun, carrier_of=office.get_carrier)
    waiting.refresh_from_db()
    assert len(office.carrier.requests("POST")) == 1
    return waiting, Call.objects.get(pk=begun.call_id)


def test_placed_call(office: Office) -> None:
    office.carrier.configure(lose=1)
    before = timezone.now()

    waiting, call = dial_one(office, "01")

    [request] = office.carrier.requests("POST")
    base = f"/calls/{call.public_id}"
    form = dict(request["form"])
    assert (form["To"], form["From"], form["Timeout"], form["TimeLimit"]) == (
        *("+14045550101", office.channel.number, "28", "120"),
    )
    assert base in form["Url"]
    assert base in form["StatusCallback"]
    assert "Record" not in form
    assert (call.dial, call.state, call.carrier_sid) == ("placed", "queued", request["sid"])
    assert call.dialed_at is not None
    assert call.next_check_at is not None
    assert before <= call.dialed_at <= timezone.now()
    assert timedelta(seconds=58) <= call.next_check_at - call.dialed_at < timedelta(seconds=60)
    assert (waiting.state, waiting.tries) == ("calling", 1)
    assert [code for code, _ in events_of(waiting)] == ["placing", "placed"]


@pytest.mark.parametrize(
    ("digits", "problem", "code"),
    [
        ("17", "carrier_failed", "20500"),
        ("16", "carrier_failed", "20503"),
        ("19", "no_answer", None),
        ("22", "bad_answer", None),
        ("23", "bad_answer", None),
        ("24", "no_answer", None),
    ],
)
def test_unknown_dial_holds_line_and_lead(
    office: Office, digits: str, problem: str, code: str | None
) -> None:
    office.carrier.configure(lose=1)

    waiting, call = dial_one(office, digits)

    assert (call.dial, call.state, call.carrier_sid, call.dial_problem) == (
        "unknown",
        "dialing",
        None,
        problem,
    )
    assert code is None or call.dial_code == code
    assert call.next_check_at is not None
    assert 4 < (call.next_check_at - timezone.now()).total_seconds() <= 5
    assert (waiting.state, Lead.objects.get().locked_by) == ("calling", f"call:{call.public_id}")
    assert count_lines(office.channel.pk) == 1
    assert events_of(waiting)[1:] == [("unknown", {"problem": problem})]
    assert begin_call(waiting.pk, at=AT) == NotBegun("not_gated")


@pytest.mark.parametrize(("end", "lead"), [("fail", "failed"), ("person", "gated"), ("sell", "pending")])
def test_invalid_phone_ends_the_verification(office: Office, end: str, lead: str) -> None:
    waiting, call = dial_one(office, "11", campaign__unverified_end=end)

    assert (call.dial, call.dial_code, call.state, call.outcome, call.ended_by) == (
        *("not_placed", "21211", "ended", "invalid_phone", "dial"),
    )
    assert count_lines(office.channel.pk) == 0
    assert (waiting.state, waiting.reason) == ("person" if end == "person" else "unverified", "invalid_phone")
    assert Lead.objects.get().status == lead
    assert events_of(waiting)[1:] == [
        ("not_placed", {"problem": "invalid_phone", "code": "21211"}),
        ("gave_up", {"reason": "invalid_phone", "end": end}),
    ]


def assert_not_placed(waiting: Verification, call: Call, *, reason: str, seconds: float) -> None:
    """The line is free, the try does not count, and the lead is due after that time."""
    assert (call.state, call.outcome, call.ended_by) == ("ended", "not_placed", "dial")
    assert count_lines(call.channel_id) == 0
    lead = Lead.objects.get()
    assert (lead.status, lead.locked_by, lead.locked_at) == ("gated", "", None)
    assert (waiting.state, waiting.reason, waiting.tries) == ("waiting", reason, 0)
    assert waiting.due_at is not None
    assert call.ended_at is not None
    assert (waiting.due_at - call.ended_at).total_seconds() == seconds


def test_refused_number_flags_its_channel(office: Office) -> None:
    office.carrier.refuse_number(office.channel.number, error=21210)

    waiting, call = dial_one(office, "01")

    assert_not_placed(waiting, call, reason="", seconds=0)
    channel = Channel.objects.get()
    assert (channel.flagged_at, channel.flag_reason) == (
        call.ended_at,
        "The carrier refused the number (code 21210).",
    )
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.object_id, entry.reason) == (
        *("dialer", "flagged", str(channel.pk), channel.flag_reason),
    )


@pytest.mark.parametrize(("case", "code"), [("token", "account_refused"), ("queue", "queue_full")])
def test_refused_account_is_stopped(office: Office, case: str, code: str) -> None:
    if case == "token":
        office.carrier.change_account(token="another")

    waiting, call = dial_one(office, "01" if case == "token" else "14")

    assert_not_placed(waiting, call, reason="account_stopped", seconds=0)
    account = CarrierAccount.objects.get()
    assert (account.stop_code, account.stopped_at) == (code, call.ended_at)
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.object_id) == ("dialer", "stopped", str(account.pk))


def test_throttled_account_waits_as_long_as_the_carrier_asks(office: Office) -> None:
    office.carrier.configure(retry_after_seconds=7)

    waiting, call = dial_one(office, "15")

    assert_not_placed(waiting, call, reason="throttled", seconds=7)
    assert call.dial == "throttled"
    assert call.ended_at is not None
    assert CarrierAccount.objects.get().next_dial_at == call.ended_at + 7 * SECOND
    assert events_of(waiting)[1:] == [("throttled", {"retry_after_seconds": 7.0})]


def test_limit_of_calls_at_once(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    waiting, call = dial_one(office, "13")

    assert_not_placed(waiting, call, reason="carrier_limit", seconds=10)
    assert (call.dial, call.dial_code) == ("throttled", "10004")
    assert call.ended_at is not None
    assert CarrierAccount.objects.get().next_dial_at == call.ended_at + 10 * SECOND
    assert [record.message for record in caplog.records] == ["calls.too_many_lines"]


def test_other_refusal_makes_the_lead_wait_longer_each_time(office: Office) -> None:
    waiting, call = dial_one(office, "12")

    assert_not_placed(waiting, call, reason="country_refused", seconds=30)
    assert (call.dial_problem, CarrierAccount.objects.get().stopped_at) == ("geo", None)

    Verification.objects.update(due_at=AT)
    begun = begin_call(waiting.pk, at=AT + SECOND)
    assert isinstance(begun, Begun)
    dial(begun, carrier_of=office.get_carrier)
    waiting.refresh_from_db()
    assert_not_placed(waiting, Call.objects.get(pk=begun.call_id), reason="country_refused", seconds=60)


def test_carrier_that_is_away_is_not_asked_at_once(office: Office) -> None:
    office.carrier.go_away()
    waiting, begun = begin(office, "01")

    dial(begun, carrier_of=office.get_carrier)

    call = Call.objects.get()
    waiting.refresh_from_db()
    assert (call.dial, call.dial_problem) == ("not_placed", "unreachable")
    assert_not_placed(waiting, call, reason="carrier_unreachable", seconds=30)
    assert call.ended_at is not None
    assert CarrierAccount.objects.get().next_dial_at == call.ended_at + 5 * SECOND
    assert office.carrier.requests("POST") == []


def test_request_waits_for_its_slot(office: Office) -> None:
    office.carrier.configure(lose=1)
    _, begun = begin(office, "01")

    started = timezone.now()
    dial(replace(begun, wait_seconds=0.2), carrier_of=office.get_carrier)

    dialed_at = Call.objects.get().dialed_at
    assert dialed_at is not None
    assert dialed_at - started >= timedelta(milliseconds=200)


def test_recorded_calls_ask_for_a_recording(office: Office) -> None:
    office.carrier.configure(lose=1)
    _, begun = begin(office, "01")

    dial(replace(begun, records=True), carrier_of=office.get_carrier)

    form = dict(office.carrier.requests("POST")[0]["form"])
    assert form["Record"] == "true"
    assert "/recording/" in form["RecordingStatusCallback"]


def test_result_of_a_call_that_lost_its_lead_frees_the_line_only(office: Office) -> None:
    waiting, begun = begin(office, "12")
    dialed_at = start_request(begun)
    assert dialed_at is not None
    Lead.objects.update(status="cancelled", finished_at=AT, locked_by="", locked_at=None)

    record(begun, place(begun, carrier=office.get_carrier(begun.account)), dialed_at=dialed_at)

    waiting.refresh_from_db()
    assert (waiting.state, Lead.objects.get().status) == ("closed", "cancelled")
    assert count_lines(office.channel.pk) == 0


def record_queued(office: Office, queue: timedelta, *, sent_after: int = 0, answered_after: int = 0) -> Call:
    """The answer of the carrier to a call that was begun at AT. It keeps it in its queue."""
    _, begun = begin(office, "27")
    dialed_at = AT + sent_after * SECOND
    Call.objects.update(state="dialing", dialed_at=dialed_at)
    dialed = Dialed(DialOutcome.PLACED, sid="CA1", queue_ms=round(queue.total_seconds() * 1000))
    with transaction.atomic():
        write_dial_outcome(begun.call_id, dialed, dialed_at=dialed_at, at=dialed_at + answered_after * SECOND)
    return Call.objects.get(pk=begun.call_id)


def test_call_that_the_carrier_queues_for_too_long_is_hung_up(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """It would ring later than the check of the hours looked ahead."""
    queue = timedelta(milliseconds=30_001)
    call = record_queued(office, queue)

    assert (call.carrier_sid, call.state) == ("CA1", "queued")
    assert (call.hang_up_at, call.next_check_at) == (AT, AT)
    assert CarrierAccount.objects.get().next_dial_at == AT + queue
    assert [record.message for record in caplog.records] == ["calls.queued_too_long"]
    story = [(code, data) for code, data in events_of(Verification.objects.get()) if code == "hung_up"]
    assert story == [("hung_up", {"why": "queued_too_long"})]


@pytest.mark.parametrize(
    ("sent_after", "answered_after", "queue", "is_hung_up"),
    [
        *((0, 0, 30, False), (0, 0, 31, True)),
        *((15, 0, 15, False), (15, 0, 16, True)),
        *((15, 10, 5, False), (15, 10, 6, True)),
        (15, 20, 0, False),
    ],
)
def test_waits_before_and_after_the_request_count_together(
    office: Office, *, sent_after: int, answered_after: int, queue: int, is_hung_up: bool
) -> None:
    """The hours were looked at before the first of them. One that was in no queue rings already."""
    call = record_queued(office, queue * SECOND, sent_after=sent_after, answered_after=answered_after)

    assert (call.hang_up_at is not None) == is_hung_up
    if not is_hung_up:
        assert call.next_check_at == AT + (sent_after + queue + 28 + 30) * SECOND


def test_queue_of_days_pauses_the_account_for_an_hour(office: Office) -> None:
    """Then one call shows whether it is still full. An operator may have emptied it."""
    record_queued(office, timedelta(days=11))

    assert CarrierAccount.objects.get().next_dial_at == AT + timedelta(hours=1)


def test_pause_of_the_account_grows_with_each_unknown_call(office: Office) -> None:
    pauses = []
    for number in range(8):
        CarrierAccount.objects.update(next_dial_at=None)
        waiting = let_wait(office.channel, phone=f"+140455502{number:02}")
        begun = begin_call(waiting.pk, at=AT)
        assert isinstance(begun, Begun)
        CarrierAccount.objects.update(next_dial_at=None)
        with transaction.atomic():
            answer = Dialed(DialOutcome.UNKNOWN, problem=Problem.NO_ANSWER)
            write_dial_outcome(begun.call_id, answer, dialed_at=AT, at=AT)
        paused_until = CarrierAccount.objects.get().next_dial_at
        assert paused_until is not None
        pauses.append((paused_until - AT).total_seconds())
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


THROTTLED = Dialed(DialOutcome.THROTTLED, code="20429", problem=Problem.THROTTLED)
TOO_MANY = Dialed(DialOutcome.NOT_PLACED, code="10004", problem=Problem.CONCURRENCY)


def answer_each(waiting: Verification, answers: Sequence[Dialed], *, at: datetime = AT) -> list[float]:
    """Call the lead again each time that it may be called. Returns after how many seconds that was."""
    pauses: list[float] = []
    for answer in answers:
        begun = begin_call(waiting.pk, at=at)
        assert isinstance(begun, Begun)
        Call.objects.filter(pk=begun.call_id).update(state="dialing", dialed_at=at)
        with transaction.atomic():
            write_dial_outcome(begun.call_id, answer, dialed_at=at, at=at)
        waiting.refresh_from_db()
        assert waiting.due_at is not None
        pauses.append((waiting.due_at - at).total_seconds())
        paused_until = CarrierAccount.objects.get().next_dial_at
        assert paused_until is not None
        at = max(waiting.due_at, paused_until)
    return pauses


@pytest.mark.parametrize(
    ("answer", "pauses"),
    [
        (THROTTLED, [1, 2, 4, 8, 16, 32, 60, 60]),
        (replace(THROTTLED, retry_after_seconds=7), [7, 7, 7, 8, 16, 32, 60, 60]),
        (replace(THROTTLED, retry_after_seconds=300), [300, 300]),
        (TOO_MANY, [10, 20, 40, 60, 60]),
    ],
)
@pytest.mark.usefixtures("committed_db")
def test_throttling_that_goes_on_slows_down(answer: Dialed, pauses: list[float]) -> None:
    """Each call has a row, also one that was not placed."""
    waiting = let_wait(ChannelFactory())

    assert answer_each(waiting, [answer] * len(pauses)) == pauses


@pytest.mark.usefixtures("committed_db")
def test_placed_call_ends_the_slowing_down() -> None:
    channel = ChannelFactory()
    answer_each(let_wait(channel), [THROTTLED] * 4)
    CarrierAccount.objects.update(next_dial_at=None)
    Channel.objects.update(next_dial_at=None)
    CallFactory(channel=channel, dial="placed", verification__lead__phone="+14045550199")

    assert answer_each(let_wait(channel, phone="+14045550102"), [THROTTLED] * 2) == [1, 2]


@pytest.mark.usefixtures("committed_db")
def test_throttling_does_not_lengthen_the_pause_after_another_failure() -> None:
    waiting = let_wait(ChannelFactory())
    away = Dialed(DialOutcome.NOT_PLACED, problem=Problem.UNREACHABLE)

    assert answer_each(waiting, [*[THROTTLED] * 8, away, away])[-2:] == [30, 60]


@pytest.mark.parametrize(("seconds", "is_sent"), [(14, True), (16, False)])
def test_request_that_comes_too_late_is_not_sent(office: Office, *, seconds: int, is_sent: bool) -> None:
    """The dialer was stopped for a while after its checks."""
    waiting, begun = begin(office, "27")

    dial(replace(begun, begun_at_seconds=begun.begun_at_seconds - seconds), carrier_of=office.get_carrier)

    assert len(office.carrier.requests("POST")) == is_sent
    if not is_sent:
        waiting.refresh_from_db()
        call = Call.objects.get()
        assert (call.dial, call.dial_problem) == ("not_placed", "sent_too_late")
        assert_not_placed(waiting, call, reason="", seconds=0)


def test_time_until_the_slot_of_the_pace_is_not_late(office: Office) -> None:
    _, begun = begin(office, "27")

    dialed = place(
        replace(begun, begun_at_seconds=begun.begun_at_seconds - 16, wait_seconds=5),
        carrier=office.get_carrier(begun.account),
    )

    assert dialed.outcome is DialOutcome.PLACED


@pytest.mark.parametrize(("end", "state"), [("sell", "unverified"), ("person", "person")])
def test_lead_that_expires_before_its_next_call_is_given_up(office: Office, end: str, state: str) -> None:
    expires_at = timezone.now() + 29 * SECOND

    waiting, call = dial_one(office, "12", lead__expires_at=expires_at, campaign__unverified_end=end)

    assert (call.state, call.outcome) == ("ended", "not_placed")
    assert (waiting.state, waiting.tries) == (state, 0)
    assert events_of(waiting)[-1] == ("gave_up", {"reason": "country_refused", "end": end})
