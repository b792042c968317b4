"""What is stored in the inbox is applied once, and what cannot be applied stops nothing else."""

import json
from typing import Any, Final

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from distribution.calls import applying
from distribution.calls.applying import apply_new
from distribution.calls.inbox import store
from distribution.calls.notices import Notice
from distribution.calls.recordings import read_recording
from distribution.calls.states import Said
from distribution.models import Call, CallNotice
from routing.models import Lead
from tests.support.blocking import holding, short_lock_timeout
from tests.support.calling import Office, results_of, story_of
from tests.support.factories import CallFactory
from tests.support.waiting import wait_until

SID: Final = "CA" + "a" * 32
OTHER: Final = "CA" + "b" * 32


@pytest.fixture
def call(committed_db: None) -> Call:  # noqa: ARG001
    return Call.objects.get(pk=CallFactory().pk)


def report(call: Call, status: str, *, sid: str = SID, **more: Any) -> None:
    store(Notice("status", sid, status, len(status), **more), call_id=call.pk)


def fresh(call: Call) -> Call:
    return Call.objects.get(pk=call.pk)


def test_report_that_cannot_be_applied_is_set_aside(
    call: Call, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = CallFactory(
        channel=call.channel, carrier_sid=OTHER, verification__lead__source__workspace=call.workspace
    )
    report(call, "ringing")
    report(call, "busy")
    report(Call.objects.get(pk=other.pk), "ringing", sid=OTHER)
    read = applying.said_by

    def fail_once(notice: CallNotice) -> Said:
        if (notice.call_id, notice.status) == (call.pk, "ringing"):
            raise IntegrityError
        return read(notice)

    monkeypatch.setattr(applying, "said_by", fail_once)

    assert apply_new(limit=10) == 3
    assert apply_new(limit=10) == 0

    assert results_of(call) == [("status", "ringing", "failed"), ("status", "busy", "applied")]
    assert (fresh(call).outcome, fresh(call).carrier_sid) == ("busy", SID)
    assert fresh(other).state == "ringing"
    failed = [record for record in caplog.records if record.message == "calls.notice_failed"]
    assert [(record.levelname, record.__dict__["cause"]) for record in failed] == [
        ("ERROR", "IntegrityError")
    ]


def test_report_waits_for_a_lock_that_is_not_granted(call: Call) -> None:
    other = Call.objects.get(pk=CallFactory().pk)
    report(call, "busy")
    report(other, "busy")
    with holding("SELECT FROM routing_lead WHERE id = %s FOR UPDATE", [call.lead_id]), short_lock_timeout():
        assert apply_new(limit=10) == 1
        assert (fresh(call).state, fresh(other).state) == ("dialing", "ended")
    assert apply_new(limit=10) == 1
    assert fresh(call).outcome == "busy"


def test_few_calls_at_once(call: Call) -> None:
    for each in (call, *(Call.objects.get(pk=CallFactory().pk) for _ in range(2))):
        report(each, "ringing")
        report(each, "busy")
    assert [apply_new(limit=2) for _ in range(3)] == [4, 2, 0]


def test_reports_of_a_call_are_applied_in_one_pass(call: Call) -> None:
    """Its rows are locked once, and no report has a savepoint."""
    for status in ("initiated", "ringing", "in-progress"):
        report(call, status)
    with CaptureQueriesContext(connection) as captured:
        assert apply_new(limit=10) == 3
    statements = [query["sql"] for query in captured]
    assert [sum(word in sql for sql in statements) for word in ("SAVEPOINT", "FOR NO KEY UPDATE")] == [0, 2]
    assert sum(sql.startswith('UPDATE "distribution_callnotice"') for sql in statements) == 1


def test_key_that_follows_a_decision_meets_the_lead_as_it_is_then(call: Call) -> None:
    """The first key verifies the lead, which is let go. The second one is the same person's no: no buyer gets it."""
    store(Notice("keys", SID, key="1"), call_id=call.pk)
    store(Notice("keys", SID, key="2"), call_id=call.pk)
    assert apply_new(limit=10) == 2
    lead = Lead.objects.get()
    assert (lead.status, lead.verification, lead.locked_by) == ("failed", "declined", "")
    assert [code for code in story_of(call) if code in ("verified", "declined")] == ["verified", "declined"]


def test_call_whose_key_was_pressed_is_kept_of_two(call: Call) -> None:
    report(call, "ringing")
    store(Notice("keys", OTHER, key="1"), call_id=call.pk)
    report(call, "completed", sid=OTHER)

    apply_new(limit=10)

    assert (fresh(call).outcome, fresh(call).carrier_sid) == ("confirmed", OTHER)
    assert [result for _, _, result in results_of(call)] == ["hang_up", "applied", "applied"]


def test_second_id_counts_for_nothing(call: Call) -> None:
    report(call, "ringing")
    apply_new(limit=10)
    store(Notice("keys", OTHER, key="1"), call_id=call.pk)
    report(call, "completed", sid=OTHER)
    apply_new(limit=10)
    assert (fresh(call).state, fresh(call).key, fresh(call).carrier_sid) == ("ringing", "", SID)
    assert results_of(call)[1:] == [("keys", "", "hang_up"), ("status", "completed", "hang_up")]
    assert story_of(call).count("second_call") == 1


def test_report_after_the_end_changes_nothing(call: Call) -> None:
    report(call, "no-answer")
    apply_new(limit=10)
    before = Call.objects.values().get(), Lead.objects.values().get(), story_of(call)
    report(call, "ringing")
    report(call, "initiated")
    assert apply_new(limit=10) == 2
    assert (Call.objects.values().get(), Lead.objects.values().get(), story_of(call)) == before
    assert results_of(call)[1:] == [("status", status, "nothing_new") for status in ("ringing", "initiated")]


def test_outcome_of_a_call_without_the_claim_does_not_move_the_lead(call: Call) -> None:
    """Another call has claimed the lead since."""
    Lead.objects.filter(pk=call.lead_id).update(locked_by="call:another", locked_at=timezone.now())
    before = Lead.objects.values().get()
    store(Notice("keys", SID, key="1"), call_id=call.pk)
    report(call, "completed")
    apply_new(limit=10)
    assert (fresh(call).outcome, Lead.objects.values().get()) == ("confirmed", before)


def test_no_in_a_call_without_the_claim_ends_the_lead(call: Call) -> None:
    Lead.objects.filter(pk=call.lead_id).update(locked_by="call:another", locked_at=timezone.now())
    store(Notice("keys", SID, key="2"), call_id=call.pk)
    apply_new(limit=10)
    lead = Lead.objects.get()
    assert (lead.status, lead.verification, lead.locked_by) == ("failed", "declined", "")


def test_test_call_ends_and_moves_no_lead(call: Call) -> None:
    test = CallFactory(
        channel=call.channel,
        workspace=call.workspace,
        kind="test",
        verification=None,
        lead=None,
        phone_hash=None,
        test_phone="+14045550101",
    )
    store(Notice("keys", OTHER, key="1"), call_id=test.pk)
    store(Notice("status", OTHER, "completed"), call_id=test.pk)
    assert apply_new(limit=10) == 2
    assert (fresh(test).outcome, fresh(call).state) == ("confirmed", "dialing")


@pytest.mark.parametrize(
    "faults", [{"double": 1}, {"reorder": 1}, {"delay": 1}, {"double": 0.5, "reorder": 0.5}]
)
def test_doubled_late_and_reordered_reports(office: Office, faults: dict[str, float]) -> None:
    office.carrier.configure(delay_ms=60, **faults)
    call = office.begin("01")
    office.request(call)
    office.finish(call)
    assert (call.outcome, Lead.objects.get().verification) == ("confirmed", "call")
    wait_until(
        lambda: all(each["tries"] for each in office.carrier.notices()), what="answers to every report"
    )
    apply_new(limit=10)
    assert story_of(call).count("ended") == 1
    assert {result for _, _, result in results_of(call)} <= {"applied", "nothing_new"}
    assert CallNotice.objects.count() == 6


@pytest.mark.parametrize("signs", ["sha1", "sha256", "mixed"])
def test_reports_are_accepted_while_the_token_is_replaced(office: Office, signs: str) -> None:
    account = office.channel.account
    account.previous_token, account.auth_token = account.auth_token, "the-next-token"
    account.save()
    for token in ("token-of-the-tests", "the-next-token"):
        office.carrier.reset()
        office.carrier.change_account(token=token, signs=signs)
        account.auth_token = token
        call = office.begin("01")
        office.request(call)
        office.finish(call)
        assert call.outcome == "confirmed"
    assert {try_ for each in office.carrier.notices() for try_ in each["tries"]} == {"204"}


def test_reports_that_are_signed_otherwise_are_refused(office: Office) -> None:
    type(office.channel.account).objects.update(auth_token="another-token", signing_key=None)
    call = office.begin("05")
    office.carrier.configure(second_ms=20)
    office.request(call)
    office.wait_until_over()
    office.wait_until_reported()
    assert {try_ for each in office.carrier.notices() for try_ in each["tries"]} == {"403"}
    assert CallNotice.objects.count() == 0


@pytest.mark.parametrize("asked", ["asked", "not asked"])
def test_recording_is_kept_if_we_asked_for_it(office: Office, asked: str) -> None:
    records = asked == "asked"
    call = office.begin("01", records=records)
    office.request(call)
    office.finish(call)
    if not records:
        store(
            Notice("recording", call.carrier_sid or "", "completed", recording_sid="RE" + "1" * 32),
            call_id=call.pk,
        )
    wait_until(lambda: CallNotice.objects.filter(kind="recording").exists(), what="the recording")
    apply_new(limit=10)

    carrier = office.get_carrier(office.channel.account)
    recording = read_recording(fresh(call), carrier)

    assert (recording is not None, bool(fresh(call).recording_sid)) == (records, records)
    if recording is not None:
        assert (recording.content_type, recording.content[:4]) == ("audio/x-wav", b"RIFF")


def test_inbox_has_no_phone(office: Office) -> None:
    call = office.begin("01")
    office.request(call)
    office.finish(call)
    stored = json.dumps([*CallNotice.objects.values()], default=str)
    assert "+1404" not in stored
