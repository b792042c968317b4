"""The trace fails in every way: the lead is sold, the failure is reported, and the next trace is complete."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from distribution.attempts import trace
from distribution.attempts.distribute import distribute_lead
from distribution.attempts.outcome import AttemptOutcome
from distribution.attempts.record import AttemptRecord
from distribution.models import Assignment, Campaign, LedgerEntry, LedgerKind, Wallet
from distribution.verify import run_verification
from routing.models import Lead, LeadStatus
from routing.retry import NextStep
from tests.support.factories import CampaignFactory, LeadFactory, SourceFactory, enroll
from tests.support.planting import plant
from tests.support.racing import open_transaction
from tracing.metrics import TRACE_WRITE_FAILURES
from tracing.models import Attempt, LeadDistributionEvent
from tracing.recorder import Recorder
from tracing.vocabulary import Event

pytestmark = pytest.mark.usefixtures("committed_db")

EVENTS = "tracing_leaddistributionevent"
PRICE_CENTS = 1_000


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@contextmanager
def changed(sql: str, *, back: str) -> Iterator[None]:
    """The schema is different during the block."""
    execute(sql)
    try:
        yield
    finally:
        execute(back)


def without_table() -> Any:
    return changed(f"ALTER TABLE {EVENTS} RENAME TO gone", back=f"ALTER TABLE gone RENAME TO {EVENTS}")


def without_column() -> Any:
    return changed(
        f"ALTER TABLE {EVENTS} RENAME COLUMN seq TO gone",
        back=f"ALTER TABLE {EVENTS} RENAME COLUMN gone TO seq",
    )


def without_attempts() -> Any:
    return changed(
        "ALTER TABLE tracing_attempt RENAME TO gone", back="ALTER TABLE gone RENAME TO tracing_attempt"
    )


def on_a_full_disk() -> Any:
    """The error of PostgreSQL when it cannot extend a file."""
    raise_disk_full = (
        "CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END$$;"
        f"CREATE TRIGGER disk_full BEFORE INSERT ON {EVENTS} FOR EACH ROW EXECUTE FUNCTION disk_full()"
    )
    return changed(raise_disk_full, back="DROP FUNCTION disk_full CASCADE")


def while_locked() -> Any:
    """Another session locks the table for longer than the lock timeout, as a migration would."""
    return open_transaction(lambda: execute(f"LOCK TABLE {EVENTS} IN ACCESS EXCLUSIVE MODE"))


@contextmanager
def with_event(**event: Any) -> Iterator[None]:
    """The attempt records one more event, of a kind that cannot be written."""
    record_decision = trace.record_decision

    def record_more(recorder: Recorder, decision: Any, *, zip_code: str) -> None:
        record_decision(recorder, decision, zip_code=zip_code)
        recorder.add(Event.BUYER_SKIPPED, buyer_id=1, **event)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("distribution.attempts.decide_under_lock.record_decision", record_more)
        yield


@contextmanager
def with_two_ends() -> Iterator[None]:
    """The code ends the attempt twice."""
    conclude = AttemptRecord.conclude

    def conclude_twice(record: AttemptRecord, step: NextStep) -> None:
        conclude(record, step)
        conclude(record, step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AttemptRecord, "conclude", conclude_twice)
        yield


@contextmanager
def with_the_number_taken() -> Iterator[None]:
    """An attempt with this id already exists."""
    lead = Lead.objects.get()
    values = f"gen_random_uuid(), {lead.pk}, 1, 'ingest', 1, 'success', '', false, now(), now(), 0, 'other', '{{}}'"
    columns = (
        "id, lead_id, number, trigger, source_workspace_id, result, skip_reason, transient,"
        " started_at, finished_at, duration_ms, worker, facts"
    )
    execute(f"INSERT INTO tracing_attempt ({columns}) VALUES ({values})")
    yield
    plant(f"DELETE FROM tracing_attempt WHERE lead_id = {lead.pk}")


FAILURES: dict[str, tuple[Callable[[], Any], str]] = {
    "table gone": (without_table, "ProgrammingError"),
    "column gone": (without_column, "ProgrammingError"),
    "attempts gone": (without_attempts, "ProgrammingError"),
    "disk full": (on_a_full_disk, "OperationalError"),
    "locked": (while_locked, "OperationalError"),
    "no such reason": (lambda: with_event(reason="bad_mood"), "UnknownCode"),
    "reason of a lead": (lambda: with_event(reason="no_campaign"), "UnknownCode"),
    "two ends": (with_two_ends, "IncompleteTrace"),
    "number taken": (with_the_number_taken, "IntegrityError"),
}


@pytest.fixture
def campaign() -> Campaign:
    campaign: Campaign = CampaignFactory(price_cents=PRICE_CENTS)
    enroll(campaign, count=2, credits_cents=10_000)
    return campaign


def distribute_a_lead(campaign: Campaign) -> AttemptOutcome:
    source = SourceFactory(workspace=campaign.workspace)
    return distribute_lead(LeadFactory(source=source).pk)


def count_failures(cause: str) -> float:
    return float(TRACE_WRITE_FAILURES.labels(cause=cause)._value.get())


@pytest.mark.parametrize("failure", FAILURES)
def test_lead_is_sold_without_its_trace(
    campaign: Campaign, caplog: pytest.LogCaptureFixture, failure: str
) -> None:
    make_it_fail, cause = FAILURES[failure]
    lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace))
    counted = count_failures(cause)
    with caplog.at_level(logging.ERROR), make_it_fail():
        outcome = distribute_lead(lead.pk)

    assert (outcome.result, outcome.is_traced) == ("success", False)
    lead.refresh_from_db()
    assert (lead.status, lead.attempts, lead.next_attempt_at) == (LeadStatus.DISTRIBUTED, 1, None)
    assert Assignment.objects.filter(lead=lead).count() == 1
    assert list(
        LedgerEntry.objects.filter(kind=LedgerKind.CHARGE).values_list("amount_cents", flat=True)
    ) == [-PRICE_CENTS]
    assert sorted(Wallet.objects.values_list("balance_cents", flat=True)) == [9_000, 10_000]

    # One log line without personal data, and one count.
    (record,) = [each for each in caplog.records if each.name == "tracing.recorder"]
    assert (record.getMessage(), record.cause) == ("trace.write_failed", cause)  # type: ignore[attr-defined]
    assert count_failures(cause) == counted + 1

    assert run_verification().holds

    # All or nothing, and complete again afterwards.
    assert not LeadDistributionEvent.objects.filter(lead_id=lead.pk).exists()
    assert not Attempt.objects.filter(lead_id=lead.pk).exclude(worker="other").exists()
    next_one = distribute_a_lead(campaign)
    assert next_one.is_traced
    sequence = LeadDistributionEvent.objects.filter(attempt_id=next_one.attempt_id).values_list(
        "seq", flat=True
    )
    assert sorted(sequence) == list(range(1, len(sequence) + 1))


@pytest.mark.parametrize("failure", ["table gone", "locked", "no such reason"])
def test_lead_without_buyers_keeps_its_verdict(campaign: Campaign, failure: str) -> None:
    campaign.enrollments.update(active=False)
    make_it_fail, _ = FAILURES[failure]
    lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace))
    with make_it_fail():
        outcome = distribute_lead(lead.pk)
    lead.refresh_from_db()
    assert (outcome.result, outcome.is_traced) == ("unsold", False)
    assert (lead.status, lead.skip_reason) == (LeadStatus.FAILED, "no_eligible_buyers")


def test_control_without_the_savepoint_the_lead_is_not_sold(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One failed INSERT aborts the whole transaction. Catching its error does not help."""

    def write_without_savepoint(*_: Any, **__: Any) -> bool:
        try:
            execute("INSERT INTO no_such_table VALUES (1)")
        except Exception:  # noqa: BLE001 - what the control is about
            return False
        return True

    monkeypatch.setattr(Recorder, "write", write_without_savepoint)
    distribute_a_lead(campaign)
    assert Assignment.objects.count() == 0
    assert sorted(Wallet.objects.values_list("balance_cents", flat=True)) == [10_000, 10_000]
