"""What is counted of calls: each thing once, after its commit, and nothing of what was rolled back."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from prometheus_client import REGISTRY

from distribution.calls import checking, dial_pool, dialing
from distribution.calls.applying import apply_new
from distribution.calls.asking import Asked
from distribution.calls.begin import Begun, begin_call
from distribution.calls.by_hand import give_up_verification, verify_by_hand
from distribution.calls.carrier import CallSeen
from distribution.calls.concluding import conclude
from distribution.calls.counting import LineGap, observe_gap
from distribution.calls.dial_pool import DialPool
from distribution.calls.dialing import dial, place, record, start_request
from distribution.calls.inbox import store
from distribution.calls.notices import Notice
from distribution.calls.picking import Picked
from distribution.models import Call, CallEvent, Verification
from routing.leads.actions import Operator
from tests.support.calling import Office, story_of
from tests.support.factories import CallFactory, ChannelFactory, VerificationFactory
from tests.support.waiting_leads import AT, let_wait
from tracing.call_events import describe_call_event

SECOND = timedelta(seconds=1)
Figures = dict[str, float]
NO_PHONE: Any = {"lead__phone": "", "lead__phone_hash": None}


def read_figures() -> Figures:
    """Every counter of calls, and the counts and sums of their histograms."""
    prefixes = (
        "leadswitch_call",
        "leadswitch_dial",
        "leadswitch_line",
        "leadswitch_verif",
        "leadswitch_second",
    )
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for metric in REGISTRY.collect()
        if metric.name.startswith(prefixes)
        for sample in metric.samples
        if sample.name.endswith(("_total", "_count"))
    }


def added(before: Figures) -> Figures:
    return {name: value - before[name] for name, value in read_figures().items() if value != before[name]}


def name(metric: str, **labels: str) -> str:
    return f"leadswitch_{metric}{sorted(labels.items())}"


def dial_one(office: Office, digits: str) -> Call:
    begun = begin_call(let_wait(office.channel, phone=f"+140455501{digits}").pk, at=AT)
    assert isinstance(begun, Begun)
    dial(begun, carrier_of=office.get_carrier)
    return Call.objects.get(pk=begun.call_id)


def test_confirmed_call_is_counted_once(office: Office) -> None:
    office.carrier.configure(double=1, second_ms=20)
    before = read_figures()

    call = office.finish(dial_one(office, "01"))

    counts = added(before)
    webhooks = {each: counts.pop(each) for each in list(counts) if "call_webhooks" in each}
    assert call.outcome == "confirmed"
    assert counts == {
        name("dials_total", outcome="placed", problem="none"): 1,
        name("dial_seconds_count"): 1,
        name("line_gap_seconds_count"): 1,
        name("calls_ended_total", kind="verification", outcome="confirmed", by="webhook"): 1,
        name("verifications_ended_total", end="verified"): 1,
        name("verified_seconds_count"): 1,
    }
    assert webhooks[name("call_webhooks_total", kind="keys", result="applied")] == 1
    assert webhooks[name("call_webhooks_total", kind="status", result="repeated")] >= 1


@pytest.mark.parametrize(
    ("digits", "outcome", "problem", "ended"),
    [
        ("11", "not_placed", "invalid_phone", {"outcome": "invalid_phone", "by": "dial"}),
        ("12", "not_placed", "geo", {"outcome": "not_placed", "by": "dial"}),
        ("15", "throttled", "throttled", {"outcome": "not_placed", "by": "dial"}),
        ("17", "unknown", "carrier_failed", {}),
    ],
)
def test_problem_of_a_dial_is_counted(
    office: Office, digits: str, outcome: str, problem: str, ended: dict[str, str]
) -> None:
    office.carrier.configure(lose=1)
    before = read_figures()

    dial_one(office, digits)

    counts = added(before)
    assert counts[name("dials_total", outcome=outcome, problem=problem)] == 1
    assert [each for each in counts if "calls_ended" in each] == (
        [name("calls_ended_total", kind="verification", **ended)] if ended else []
    )


def test_call_whose_webhooks_are_lost_is_ended_by_poll(office: Office) -> None:
    office.carrier.configure(lose=1, fail_after=1, second_ms=20)
    call = dial_one(office, "05")
    office.wait_until_over()
    before = read_figures()

    office.check()

    call.refresh_from_db()
    counts = added(before)
    assert call.ended_by == "poll"
    assert counts[name("call_checks_total", result="found")] == 1
    assert counts[name("calls_ended_total", kind="verification", outcome=call.outcome, by="poll")] == 1


def test_carrier_that_is_away_is_counted(office: Office) -> None:
    """Its phone rings, so that the carrier asks for no script in between."""
    dial_one(office, "27")
    for event in ("initiated", "ringing"):
        office.wait_until_reported(event)
    apply_new(limit=100)
    office.carrier.go_away()
    before = read_figures()

    office.check()

    assert added(before) == {name("call_checks_total", result="unreachable"): 1}


def test_webhook_with_a_wrong_signature_is_counted(office: Office, client: Any) -> None:
    call = office.begin("01")
    before = read_figures()

    refused = client.post(
        f"/calls/{call.public_id}/status/",
        b"CallSid=CA0000000001",
        content_type="application/x-www-form-urlencoded",
        headers={"X-Twilio-Signature": "wrong"},
    )

    assert refused.status_code == 403
    assert added(before) == {name("call_webhooks_total", kind="status", result="bad_signature"): 1}


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("kind", ["status", "script", "keys", "recording"])
def test_webhook_of_a_stranger_does_not_count_as_one_of_a_call(client: Any, kind: str) -> None:
    """Anybody can send it, and an alert reads what comes to the addresses of calls."""
    before = read_figures()

    refused = client.post(
        f"/calls/00000000-0000-4000-8000-000000000000/{kind}/",
        b"CallSid=CA0000000001",
        content_type="application/x-www-form-urlencoded",
        headers={"X-Twilio-Signature": "wrong"},
    )

    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "bad_signature")
    assert added(before) == {name("call_webhooks_total", kind=kind, result="unknown_address"): 1}


def test_call_that_was_given_up_and_comes_is_counted_once(office: Office) -> None:
    office.carrier.configure(lose=1)
    begun = begin_call(let_wait(office.channel, phone="+14045550127").pk, at=AT)
    assert isinstance(begun, Begun)
    dialed_at = start_request(begun)
    assert dialed_at is not None
    office.check(after=timedelta(hours=1))
    call = Call.objects.get()
    assert call.outcome == "not_placed"
    before = read_figures()

    dialed = place(begun, carrier=office.get_carrier(begun.account))
    record(begun, dialed, dialed_at=dialed_at)
    store(Notice("status", dialed.sid, "ringing"), call_id=call.pk)
    apply_new(limit=10)

    assert added(before)[name("second_calls_total")] == 1
    assert story_of(call).count("second_call") == 1
    sentence = describe_call_event("second_call", CallEvent.objects.get(code="second_call").data)
    assert sentence == "The carrier has the call after it was given up: it is ended."


@pytest.mark.parametrize("status", ["ringing", "completed"])
def test_report_on_a_call_that_was_given_up_is_counted(office: Office, status: str) -> None:
    call = office.begin("01", state="ended", outcome="not_placed", ended_at=AT, next_check_at=None)
    store(Notice("status", "CA" + "1" * 32, status), call_id=call.pk)
    before = read_figures()

    apply_new(limit=10)

    assert added(before)[name("second_calls_total")] == 1
    assert story_of(call).count("second_call") == 1


def test_call_that_the_checker_finds_after_it_was_given_up_is_counted(office: Office) -> None:
    call = office.begin("01", state="ended", outcome="not_placed", ended_at=AT, next_check_at=None)
    before = read_figures()

    seen = CallSeen("CA" + "1" * 32, "ringing", to="+14045550101", from_number="+12125550100")

    conclude(call.pk, Asked([seen], is_search=True), at=AT)

    assert added(before)[name("second_calls_total")] == 1


def test_check_that_fails_is_counted(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.begin("01", state="ringing", carrier_sid="CA1", dialed_at=AT)
    monkeypatch.setattr(checking, "conclude_unanswered", fail)
    monkeypatch.setattr(checking, "conclude", fail)
    before = read_figures()

    assert office.check() == 1

    assert added(before) == {
        name("call_checks_total", result="failed"): 1,
        name("dialer_failures_total"): 1,
    }


def test_request_whose_result_is_lost_is_counted(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial_pool, "dial", fail)
    let_wait(office.channel, phone="+14045550101")
    pool = DialPool(1, on_done=lambda: None, carrier_of=office.get_carrier)
    before = read_figures()

    pool.submit(Picked(Verification.objects.get().pk, office.channel.workspace_id))
    for thread in pool.threads:
        thread.start()
    pool.finish(seconds=10)

    assert added(before) == {name("dialer_failures_total"): 1}


@pytest.mark.usefixtures("committed_db")
def test_result_that_cannot_be_written_is_counted_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(dialing, "RECORD_WITHIN_SECONDS", 0.0)
    monkeypatch.setattr(dialing, "PAUSE_AFTER_FAILURE_SECONDS", 0.0)
    before = read_figures()

    assert not dialing.keep_trying(partial(fail, error=OperationalError))

    assert added(before) == {name("dialer_failures_total"): 1}
    assert caplog.messages[-1] == "calls.result_not_recorded"


def fail(*_: Any, error: type[Exception] = RuntimeError, **__: Any) -> None:
    raise error


@pytest.mark.parametrize("kind", ["verification", "test"])
def test_ended_call_is_counted_by_its_kind(office: Office, kind: str) -> None:
    """Operators answer their test calls. The answer rate is that of leads."""
    test = {
        "workspace": office.channel.workspace,
        "kind": "test",
        "verification": None,
        "lead": None,
        "phone_hash": None,
        "test_phone": "+14045550100",
    }
    call = CallFactory(channel=office.channel, **(test if kind == "test" else {}))
    store(Notice("status", "CA" + "1" * 32, "busy"), call_id=call.pk)
    before = read_figures()

    apply_new(limit=10)

    assert added(before)[name("calls_ended_total", kind=kind, outcome="busy", by="webhook")] == 1


@pytest.mark.usefixtures("committed_db")
def test_verification_that_waits_for_an_operator_has_not_ended() -> None:
    """What the operator decides counts as its end."""
    waiting = let_wait(ChannelFactory(), campaign__unverified_end="person", **NO_PHONE)
    before = read_figures()
    begin_call(waiting.pk, at=AT)
    waiting.refresh_from_db()
    assert waiting.state == "person"
    assert added(before) == {name("verifications_to_person_total"): 1}

    verify_by_hand(waiting.lead_id, at=AT, by=Operator("olga", "spoke to them"))

    assert added(before) == {
        name("verifications_to_person_total"): 1,
        name("verifications_ended_total", end="verified_by_hand"): 1,
        name("verified_seconds_count"): 1,
    }


def make_gap(channel: Any, *, free: int, possible_at: Any) -> LineGap:
    return LineGap(channel_id=channel.pk, free=free, lines=channel.lines, possible_at=possible_at, at=AT)


def observed_seconds(gap: LineGap) -> float:
    before = REGISTRY.get_sample_value("leadswitch_line_gap_seconds_sum") or 0
    observe_gap(gap)
    return (REGISTRY.get_sample_value("leadswitch_line_gap_seconds_sum") or 0) - before


@pytest.mark.django_db
def test_gap_begins_when_the_channel_was_last_full_or_the_lead_was_due() -> None:
    channel = ChannelFactory(lines=3)
    for seconds in (40, 3, 8):
        CallFactory(
            channel=channel, state="ended", outcome="busy", ended_at=AT - seconds * SECOND, next_check_at=None
        )
    CallFactory(channel=channel)

    due = AT - 60 * SECOND
    assert observed_seconds(make_gap(channel, free=1, possible_at=due)) == pytest.approx(3)
    assert observed_seconds(make_gap(channel, free=2, possible_at=due)) == pytest.approx(8)
    assert observed_seconds(make_gap(channel, free=2, possible_at=AT - SECOND)) == pytest.approx(1)
    assert observed_seconds(make_gap(channel, free=4, possible_at=due)) == pytest.approx(60)


@pytest.mark.usefixtures("committed_db")
def test_gap_does_not_include_the_pace_of_the_channel() -> None:
    channel = ChannelFactory(lines=5, next_dial_at=AT - SECOND)
    waiting = let_wait(channel, due_at=AT - 30 * SECOND)

    begun = begin_call(waiting.pk, at=AT)

    assert isinstance(begun, Begun)
    assert begun.gap == make_gap(channel, free=5, possible_at=AT - SECOND)
    assert Verification.objects.get().state == "calling"
    assert timezone.now() > AT


@pytest.mark.usefixtures("committed_db")
def test_verification_that_an_operator_ends_is_counted() -> None:
    operator = Operator("ann", "they wrote a mail")
    confirmed, given_up = (VerificationFactory() for _ in range(2))
    before = read_figures()

    verify_by_hand(confirmed.lead_id, at=timezone.now(), by=operator)
    give_up_verification(given_up.pk, at=timezone.now(), by=operator)

    assert added(before) == {
        name("verifications_ended_total", end="verified_by_hand"): 1,
        name("verifications_ended_total", end="failed"): 1,
        name("verified_seconds_count"): 1,
    }
