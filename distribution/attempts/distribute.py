"""Distributes one lead: lock, decide, charge, assign and trace in one transaction; then metrics and a log line.

    lock lead -> check it is due -> route -> decide and sell -> write lead and trace -> commit -> report
                                                |-> buyers that rank higher are busy: wait for them, then start again
                                                |-> something was paused after the decision: start again
                                                |-> first use of a version: store its snapshot, then start again
                                                `-> rolled back -> verdict on a connection of its own

Entry points: distribute_lead (by id), distribute_next_due (any due lead), distribute_next_polled (due leads that no
dispatcher starts), decide_within (inline).
"""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar, Final

from django.db import NotSupportedError, transaction

from distribution import metrics
from distribution.attempts.attempt import RunningAttempt, Stage
from distribution.attempts.begin import begin_record
from distribution.attempts.campaigns import CAMPAIGNS, MAX_VERSIONS
from distribution.attempts.chain import is_due_after_answer, is_offered, is_posting
from distribution.attempts.decide_under_lock import TierLockContention, decide_and_sell
from distribution.attempts.offering import end_offer, record_unused_bids
from distribution.attempts.outcome import AttemptOutcome, NotRun
from distribution.attempts.record import Unsold
from distribution.attempts.reporting import report_attempt
from distribution.attempts.restart import LockWait, Restart, RestartReason
from distribution.attempts.rollback import write_verdict
from distribution.attempts.route import find_closed, follow_rules
from distribution.attempts.settle import reject_unasked
from distribution.attempts.spans import run_in_span
from distribution.attempts.worker import worker_name
from routing.leads.attempt_log import log_busy_lead, log_lock_timeout
from routing.locks.attempts import LockedLead, lock_lead, lock_next_due_lead, lock_next_polled_lead
from routing.metrics.postgres import OLD_PLANS
from routing.models import TIMED, LeadStatus
from routing.postgres_errors import is_old_plan
from routing.reconcile.lost_workers import count_lost_worker
from routing.spans import SpanSwitch
from tracing.locks import is_lock_timeout
from tracing.models import AttemptResult
from tracing.skip_reasons import RetryClass

# How often one attempt may start again, to wait for buyers or after a pause. Then it decides among the free buyers.
MAX_WAITS: Final = 4
FIRST_WAIT: Final = LockWait(may_ask=True)
# The wait before it tries to lock a lead again that another worker has.
BUSY_PAUSE: Final = timedelta(milliseconds=20)
# How often it looks whether a buyer's system has answered.
POSTING_PAUSE: Final = timedelta(milliseconds=20)


def distribute_lead(lead_id: int, *, at: datetime | None = None, is_leased: bool = True) -> AttemptOutcome:
    """Run one attempt on a lead, if it is due and no other worker has it. `at` None: the database's clock.

    `is_leased` False: no lease shows that a process was lost with the lead, so a mark does (routing.leads.crash_marks).
    A failed attempt is an outcome, not an exception. Raises django.db.OperationalError if the database is gone; the
    lead then keeps its due time.
    """
    attempt = RunningAttempt(partial(lock_lead, lead_id), FIRST_WAIT, at=at, is_leased=is_leased)
    if SpanSwitch.spans is not None:
        return run_in_span(SpanSwitch.spans, attempt, partial(run, lead_id=lead_id))
    return run(attempt, lead_id=lead_id)


def distribute_next_due() -> AttemptOutcome:
    """Run one attempt on a due lead. Workspaces take turns, each with the lead that has been due longest.

    The outcome has no lead if none is due.
    """
    return _run_next(lock_next_due_lead)


def distribute_next_polled() -> AttemptOutcome:
    """Do the same for workspaces that no dispatcher serves."""
    return _run_next(lock_next_polled_lead)


def decide_within(lead_id: int, *, seconds: float) -> AttemptOutcome:
    """Run attempts on a lead in this process until one has an outcome other than a busy lock, or time is up.

    The decision itself takes milliseconds; waiting happens outside any transaction. While a buyer's system is asked, it
    waits for the answer, and for the end of an offer that closes within the time. The outcome of a lead that another
    process finished has no result.
    """
    deadline = time.monotonic() + seconds
    while True:
        outcome = distribute_lead(lead_id)
        if outcome.result == AttemptResult.POSTING or outcome.not_run is NotRun.FINISHED:
            if not _wait_for_answer(lead_id, deadline=deadline):
                return (
                    outcome if is_posting(lead_id) else replace(outcome, result="", not_run=NotRun.FINISHED)
                )
            continue
        if outcome.result == AttemptResult.OFFERED and _wait_for_end(lead_id, outcome, deadline=deadline):
            continue
        waits = outcome.result == AttemptResult.RETRY or outcome.not_run in (NotRun.BUSY, NotRun.NOT_DUE)
        pause = max(0.005, _until_due(outcome).total_seconds())
        if not waits or time.monotonic() + pause > deadline:
            return outcome
        time.sleep(pause)


def _wait_for_end(lead_id: int, outcome: AttemptOutcome, *, deadline: float) -> bool:
    """Wait for the end of an offer that closes in time. Returns whether it has ended, or may be ended now."""
    pause = POSTING_PAUSE.total_seconds()
    if time.monotonic() + _until_due(outcome).total_seconds() + pause > deadline:
        return False
    while is_offered(lead_id):
        if time.monotonic() + pause > deadline:
            return False
        time.sleep(pause)
    return True


def _wait_for_answer(lead_id: int, *, deadline: float) -> bool:
    """Wait until no buyer's system is asked. Returns whether the lead is due after an answer, within the time."""
    pause = POSTING_PAUSE.total_seconds()
    while is_posting(lead_id):
        if time.monotonic() + pause > deadline:
            return False
        time.sleep(pause)
    return time.monotonic() < deadline and is_due_after_answer(lead_id)


def _until_due(outcome: AttemptOutcome) -> timedelta:
    """Measured by the database's clock, as the due time is."""
    if outcome.next_attempt_at is None or outcome.locked is None:
        return BUSY_PAUSE
    return outcome.next_attempt_at - outcome.locked.locked_at - timedelta(milliseconds=outcome.duration_ms)


class LastServed:
    """The workspace this process served last, so a backlog in one workspace does not delay the others."""

    workspace_id: ClassVar[int] = 0


def _run_next(lock: Callable[..., LockedLead | None]) -> AttemptOutcome:
    """An attempt that starts again stays in the same workspace, whose turn ends with the attempt."""
    attempt = RunningAttempt(partial(lock, after=LastServed.workspace_id), FIRST_WAIT, is_leased=False)
    spans = SpanSwitch.spans
    outcome = run(attempt) if spans is None else run_in_span(spans, attempt, run)
    if outcome.locked is not None:
        LastServed.workspace_id = outcome.locked.workspace_id
    return outcome


def run(attempt: RunningAttempt, *, lead_id: int | None = None) -> AttemptOutcome:
    """Run an attempt to its end and report it. `lead_id` None: any due lead; finding none is normal."""
    started = time.perf_counter()
    try:
        outcome = _try_until_done(attempt)
    except Exception as error:
        if attempt.record is None:
            if attempt.lead is None and is_lock_timeout(error):
                log_lock_timeout(lead_id, lock_ms=attempt.lock_ms)
            raise
        outcome = write_verdict(error, attempt.record)
    lead, record, locked = attempt.lead, attempt.record, attempt.locked
    if outcome.not_run is None and record is not None and locked is not None:
        ended = time.perf_counter()
        report_attempt(
            record,
            locked=locked,
            lock_ms=attempt.lock_ms,
            seconds=ended - started,
            seconds_locked=ended - attempt.locked_seconds,
        )
    elif outcome.not_run is NotRun.LOST_BEFORE and lead is not None:
        count_lost_worker(lead.id, attempts=lead.attempts, due_at=lead.next_attempt_at, owner=worker_name())
    elif outcome.not_run is NotRun.BUSY and lead_id is not None:
        log_busy_lead(lead_id, lock_ms=attempt.lock_ms)
    return replace(outcome, locked=locked)


def _try_until_done(attempt: RunningAttempt) -> AttemptOutcome:
    """Start again while a try returns a Restart, each time with a new lock on the lead. No lock is held in between."""
    for _ in range(MAX_WAITS):
        result = _try_with_snapshot(attempt)
        if not isinstance(result, Restart):
            return result
        if result.reason is RestartReason.BUYERS_STAY_BUSY:
            break
        if result.reason is RestartReason.BUYERS_BUSY:
            metrics.CANDIDATE_WAITS.inc()
        attempt.wait = LockWait(result.enrollment_ids, may_ask=True)
    attempt.wait = LockWait()
    result = _try_with_snapshot(attempt)
    if isinstance(result, Restart):  # paused and resumed repeatedly
        raise TierLockContention(None)
    return result


def _try_with_snapshot(attempt: RunningAttempt) -> AttemptOutcome | Restart:
    """Store a missing snapshot between two tries, when nothing is locked (decisions/0041)."""
    for _ in range(MAX_VERSIONS):
        result = _try_with_plans(attempt)
        if not isinstance(result, Restart) or result.campaign is None:
            return result
        CAMPAIGNS.store_snapshot(result.campaign)
    result = _try_with_plans(attempt)
    if not isinstance(result, Restart) or result.campaign is None:
        return result
    attempt.wait = replace(attempt.wait, stores_snapshot=True)
    return _try_with_plans(attempt)


def _try_with_plans(attempt: RunningAttempt) -> AttemptOutcome | Restart:
    """Try again if a migration ran in between: the rollback dropped every prepared plan that could be outdated."""
    try:
        return _try(attempt)
    except NotSupportedError as error:
        if not is_old_plan(error):
            raise
    OLD_PLANS.labels(again="attempt").inc()
    return _try(attempt)


def _try(attempt: RunningAttempt) -> AttemptOutcome | Restart:
    """Run the transaction. It is rolled back for a Restart, and for a lead that another process was lost with.

    If no attempt ran for another reason, nothing was written, and a rollback would only drop the prepared statements.
    """
    try:
        with transaction.atomic(durable=True):
            try:
                result = _run_steps(attempt)
            except BaseException:
                attempt.unmark()  # as below
                raise
            if isinstance(result, Restart) or result.not_run is NotRun.LOST_BEFORE:
                # Do it while the lead is locked. Otherwise the next process to lock it takes this one for lost.
                attempt.unmark()
                transaction.set_rollback(True)
            return result
    finally:
        attempt.unmark()


def _run_steps(attempt: RunningAttempt) -> AttemptOutcome | Restart:
    """Needs an open transaction, which holds the lead's lock. Raises the exceptions that write_verdict classifies."""
    attempt.on_stage(Stage.LOCK)
    lead = attempt.lock_lead()
    attempt.on_stage(Stage.LOCKED)
    if lead is None:
        metrics.LEADS_BUSY.inc()
        return AttemptOutcome(not_run=NotRun.BUSY)
    at = attempt.at or lead.locked_at
    not_run = _check_due(lead, at=at)
    if not_run is None and attempt.mark(lead):
        not_run = NotRun.LOST_BEFORE
    if not_run is not None:
        return AttemptOutcome(lead_id=lead.id, public_id=lead.public_id, not_run=not_run)
    record = attempt.record = begin_record(lead, at=at)
    if lead.status == LeadStatus.OFFERED:
        end_offer(record)
    record.unsold = (
        _check_expiry(lead, at=at)
        or find_closed(lead.workspace_hours, timezone=lead.workspace_timezone, at=at)
        or follow_rules(record)
    )
    attempt.on_stage(Stage.ROUTED)
    restart = decide_and_sell(record, wait=attempt.wait) if record.unsold is None else None
    if restart is not None:
        return restart
    attempt.on_stage(Stage.DECIDED)
    record_unused_bids(record)
    record.conclude(record.find_step())
    record.write_row()
    record.write_trace()
    for public_id in record.held:
        reject_unasked(public_id, at=at)
    return record.make_outcome()


def _check_due(lead: LockedLead, *, at: datetime) -> NotRun | None:
    """Check the locked row again: the message that started this attempt may be old or a duplicate."""
    if lead.status not in TIMED or lead.next_attempt_at is None:
        return NotRun.FINISHED
    if lead.is_paused:
        return NotRun.PAUSED
    if lead.next_attempt_at > at:
        return NotRun.NOT_DUE
    return None


def _check_expiry(lead: LockedLead, *, at: datetime) -> Unsold | None:
    return Unsold("lead_expired", RetryClass.PERMANENT) if lead.expires_at <= at else None
