"""Distributes one lead: lock, decide, charge, assign and trace in one transaction; then metrics and a log line.

    lock lead -> check it is due -> route -> attempt -> write lead and trace -> commit -> act
                                                |-> better placed buyers are busy: once more, with a wait for them first
                                                |-> something was paused meanwhile: once more
                                                |-> first of a version: keep its snapshot by itself, then once more
                                                `-> rolled back -> verdict on a connection of its own

Calls from outside: distribute_lead (by id), distribute_next_due (whatever is due), distribute_next_polled (what no
dispatcher starts), decide_within (inline).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar, Final

from django.db import NotSupportedError, transaction

from distribution import metrics
from distribution.attempts.campaigns import SnapshotMissing, keeping_snapshots
from distribution.attempts.decide_under_lock import (
    AttemptOutcome,
    BuyersBusy,
    LockWait,
    TierLockContention,
    Unsold,
    run_attempt,
    seed_of,
)
from distribution.attempts.outcome import NOTHING_RUN, STATUS_AFTER, NotRun, Outcome
from distribution.attempts.rollback import write_verdict
from distribution.attempts.route import find_closed, send_on, told_of
from distribution.attempts.sell import SalePaused
from distribution.attempts.worker import worker_name
from distribution.locks import CandidatesStayBusy
from routing.leads import crash_marks
from routing.leads.attempt_log import AttemptLine, LockOutcome, log_attempt, log_no_lock
from routing.leads.finish import close_attempt
from routing.locks import LockedLead, is_lock_timeout, lock_lead, lock_next_due_lead, lock_next_polled_lead
from routing.metrics import OLD_PLANS
from routing.models import LeadStatus
from routing.postgres_errors import is_old_plan
from routing.reconcile.lost_workers import count_lost_worker
from routing.retry import NextStep, next_step
from routing.rules.route import Route
from tracing.models import AttemptResult, AttemptTrigger
from tracing.recorder import AttemptEnd, AttemptHead, Recorder, new_attempt_id
from tracing.skip_reasons import RetryClass
from tracing.vocabulary import WAKE_CAUSES, Event

# How often one run may begin again, to wait for buyers or after a pause; then it makes do with those that are free.
MAX_WAITS: Final = 4
FIRST_WAIT: Final = LockWait(may_ask=True)
# Until a lead is asked for again that somebody else has.
BUSY_PAUSE: Final = timedelta(milliseconds=20)
# Reasons that end a lead in a state of its own.
RESULT_OF: Final = {
    "lead_expired": AttemptResult.EXPIRED,
    "duplicate_lead": AttemptResult.DUPLICATE,
}


@dataclass(slots=True)
class Run:
    """What is known of a run so far; a rollback leaves it behind for the next try or the verdict."""

    given_at: datetime | None
    patience: LockWait
    lead: LockedLead | None = None
    recorder: Recorder | None = None
    at: datetime | None = None
    started: LockedLead | None = None  # the row as it was when the run first got it
    route: Route | None = None
    lock_ms: float = 0.0
    is_leased: bool = True
    marked: set[int] = field(default_factory=set)


def distribute_lead(lead_id: int, *, at: datetime | None = None, is_leased: bool = True) -> Outcome:
    """Run one attempt over a lead, if it is due and nobody else has it. `at` None: the database's clock.

    `is_leased` False: no lease shows that a process was lost with the lead, so a mark does (routing.leads.crash_marks).
    Never raises for a failed attempt: that is an outcome. Raises django.db.OperationalError when the database is gone;
    the lead then keeps its due time.
    """
    return _run(lambda: lock_lead(lead_id), at=at, lead_id=lead_id, is_leased=is_leased)


def distribute_next_due() -> Outcome:
    """Run one attempt over a lead that is due: the workspaces take turns, each with the one that has been due longest.

    The outcome is NOTHING_RUN when none is due.
    """
    return _run_next(lock_next_due_lead)


def distribute_next_polled() -> Outcome:
    """The same among the leads of workspaces that no dispatcher serves."""
    return _run_next(lock_next_polled_lead)


class Turn:
    """Which workspace this process served last: a pile of one keeps nobody else's leads waiting."""

    served: ClassVar[int] = 0


def _run_next(lock: Callable[..., LockedLead | None]) -> Outcome:
    """A run that begins again begins with the same workspace: its turn ends with the run."""
    outcome = _run(partial(lock, after=Turn.served), at=None, is_leased=False)
    if outcome.taken is not None:
        Turn.served = outcome.taken.workspace_id
    return outcome


def _run(
    take: Callable[[], LockedLead | None],
    *,
    at: datetime | None,
    lead_id: int | None = None,
    is_leased: bool,
) -> Outcome:
    """`lead_id` None: any lead that is due. That there is none is then no news."""
    run = Run(given_at=at, patience=FIRST_WAIT, is_leased=is_leased)
    started = time.perf_counter()
    try:
        outcome = _watched(run, take)
    except Exception as error:
        if run.lead is None or run.recorder is None or run.at is None:
            if run.lead is None and is_lock_timeout(error):
                log_no_lock(LockOutcome.TIMED_OUT, lead_row=lead_id, lock_ms=run.lock_ms)
            raise
        outcome = write_verdict(error, lead=run.lead, recorder=run.recorder, at=run.at)
    outcome = replace(outcome, taken=run.started)
    if outcome.not_run is None and run.lead is not None and run.recorder is not None:
        if run.route is not None:
            outcome = told_of(run.route, outcome=outcome)
        seconds = time.perf_counter() - started
        _report(outcome, lead=run.lead, head=run.recorder.head, lock_ms=run.lock_ms, seconds=seconds)
    elif outcome.not_run is NotRun.BUSY and lead_id is not None:
        log_no_lock(LockOutcome.BUSY, lead_row=lead_id, lock_ms=run.lock_ms)
    return outcome


def _watched(run: Run, take: Callable[[], LockedLead | None]) -> Outcome:
    """Without a lease: whoever outlives the attempt, or its failure, takes the mark away."""
    try:
        return _with_patience(run, take)
    except crash_marks.LostBefore:
        lead = run.lead
        assert lead is not None  # noqa: S101 - it was marked
        count_lost_worker(lead.id, attempts=lead.attempts, due_at=lead.next_attempt_at, owner=worker_name())
        return Outcome(lead_id=lead.id, public_id=lead.public_id, not_run=NotRun.LOST_BEFORE)
    finally:
        _unmark(run)


def _with_patience(run: Run, take: Callable[[], LockedLead | None]) -> Outcome:
    """Begin again as often as the attempt asks for time, with a new lock on the lead: nothing is held in between."""
    for waits in range(1, MAX_WAITS + 1):
        try:
            return _in_transaction(run, take)
        except BuyersBusy as busy:
            metrics.CANDIDATE_WAITS.inc()
            run.patience = LockWait(wait_for=busy.enrollment_ids, may_ask=waits < MAX_WAITS)
        except SalePaused:
            run.patience = LockWait(may_ask=waits < MAX_WAITS)
        except CandidatesStayBusy:
            break
    run.patience = LockWait()
    try:
        return _in_transaction(run, take)
    except SalePaused as error:  # and resumed and paused again, all the while
        raise TierLockContention(None) from error


def _in_transaction(run: Run, take: Callable[[], LockedLead | None]) -> Outcome:
    try:
        return keeping_snapshots(lambda: _try_once(run, take))
    except SnapshotMissing:
        run.patience = replace(run.patience, keeps_snapshot=True)
        return _try_once(run, take)


def _try_once(run: Run, take: Callable[[], LockedLead | None]) -> Outcome:
    """Once more when a migration came between: the rollback has forgotten every plan that could be old."""
    try:
        return _try(run, take)
    except NotSupportedError as error:
        if not is_old_plan(error):
            raise
    OLD_PLANS.labels(again="attempt").inc()
    return _try(run, take)


def _try(run: Run, take: Callable[[], LockedLead | None]) -> Outcome:
    with transaction.atomic(durable=True):
        try:
            return _attempt(run, take)
        except BaseException:
            # While the lead is locked: whoever gets it after the rollback would take this process for lost.
            _unmark(run)
            raise


def _unmark(run: Run) -> None:
    while run.marked:
        crash_marks.end(run.marked.pop())


def _attempt(run: Run, take: Callable[[], LockedLead | None]) -> Outcome:
    earlier, run.recorder, run.route = run.lead, None, None
    lead = run.lead = _timed(run, take)
    if lead is None:
        metrics.LEADS_BUSY.inc()
        return NOTHING_RUN
    if earlier is not None and earlier.id != lead.id:
        # Somebody else took the lead that asked for the wait.
        run.patience = replace(run.patience, wait_for=frozenset())
    at = run.at = run.given_at or lead.locked_at
    run.started = run.started if run.started and run.started.id == lead.id else lead
    left = _why_not_now(lead, at=at)
    if left is not None:
        return Outcome(lead_id=lead.id, public_id=lead.public_id, not_run=left)
    if not run.is_leased:
        run.marked.add(lead.id)
        crash_marks.begin(lead)
    recorder = run.recorder = Recorder(_head(lead, at=at))
    if lead.expires_at <= at:
        result = AttemptOutcome(None, Unsold("lead_expired", RetryClass.PERMANENT))
        return _finish(lead, recorder=recorder, at=at, result=result)
    closed = find_closed(lead.workspace_hours, timezone=lead.workspace_timezone, at=at)
    if closed is not None:
        return _finish(lead, recorder=recorder, at=at, result=closed)
    stations = [lead.workspace_id]
    routed = send_on(lead, recorder=recorder, at=at)
    lead, run.route = routed.lead, routed.route
    run.lead = lead  # a rollback from here on leaves it where it was sent
    stations += [lead.workspace_id, *(to for _, _, to in recorder.route.hops)]
    result = routed.outcome or run_attempt(
        lead, recorder=recorder, at=at, patience=run.patience, workspace_ids=stations
    )
    return _finish(lead, recorder=recorder, at=at, result=result)


def _timed(run: Run, take: Callable[[], LockedLead | None]) -> LockedLead | None:
    started = time.perf_counter()
    try:
        return take()
    finally:
        run.lock_ms = round((time.perf_counter() - started) * 1000, 3)


def _why_not_now(lead: LockedLead, *, at: datetime) -> NotRun | None:
    """Check the locked row again: the message that brought us here may be old or a double."""
    if lead.status != LeadStatus.PENDING or lead.next_attempt_at is None:
        return NotRun.FINISHED
    if lead.is_paused:
        return NotRun.PAUSED
    if lead.next_attempt_at > at:
        return NotRun.NOT_DUE
    return None


def _head(lead: LockedLead, *, at: datetime) -> AttemptHead:
    is_woken = lead.due_reason in WAKE_CAUSES
    if is_woken:
        trigger = AttemptTrigger.WOKEN
    elif lead.due_reason == AttemptTrigger.MANUAL:
        trigger = AttemptTrigger.MANUAL
    else:
        trigger = AttemptTrigger.RETRY if lead.attempts else AttemptTrigger.INGEST
    return AttemptHead(
        id=new_attempt_id(),
        lead_id=lead.id,
        number=lead.attempts + 1,
        trigger=trigger.value,
        source_workspace_id=lead.source_workspace_id,
        started_at=at,
        worker=worker_name(),
        intake_notes=lead.intake_notes,
        cause=lead.due_reason if is_woken else "",
        change_id=lead.woken_by if is_woken else None,
    )


def _finish(lead: LockedLead, *, recorder: Recorder, at: datetime, result: AttemptOutcome) -> Outcome:
    step = _step(lead, result=result, at=at, seed=seed_of(recorder.head.id))
    reason = result.unsold.reason if result.unsold else ""
    _record_end(recorder, result=result, step=step)
    close_attempt(
        lead.id,
        workspace_id=lead.workspace_id,
        status=STATUS_AFTER[AttemptResult(step.result)],
        skip_reason=reason,
        attempts=lead.attempts + 1,
        next_attempt_at=step.due_at,
        at=at,
        tries=step.tries,
    )
    duration_ms = recorder.elapsed_ms
    decided = result.decided
    is_traced = recorder.write(
        AttemptEnd(
            result=step.result,
            finished_at=at + timedelta(milliseconds=duration_ms),
            duration_ms=duration_ms,
            skip_reason=reason,
            transient=step.result == AttemptResult.RETRY,
            next_attempt_at=step.due_at,
            destination_workspace_id=lead.workspace_id,
            campaign_id=decided.campaign.id if decided else None,
            config_version=decided.campaign.config_version if decided else None,
            facts=decided.facts_json() if decided else {},
        )
    )
    return Outcome(
        lead_id=lead.id,
        public_id=lead.public_id,
        attempt_id=recorder.head.id,
        result=step.result,
        skip_reason=reason,
        next_attempt_at=step.due_at,
        assignments=result.assignments,
        charged_cents=result.charged_cents,
        duration_ms=duration_ms,
        is_traced=is_traced,
    )


def _step(lead: LockedLead, *, result: AttemptOutcome, at: datetime, seed: int) -> NextStep:
    if result.unsold is None:
        return NextStep(AttemptResult.SUCCESS, None)
    if result.unsold.reason in RESULT_OF:
        return NextStep(RESULT_OF[result.unsold.reason], None)
    return next_step(
        retry_class=result.unsold.retry_class,
        retry_at=result.unsold.retry_at,
        at=at,
        tries=lead.tries,
        limits=lead.limits,
        expires_at=lead.expires_at,
        seed=seed,
    )


def _record_end(recorder: Recorder, *, result: AttemptOutcome, step: NextStep) -> None:
    if result.unsold is None:
        recorder.add(
            Event.DISTRIBUTED,
            cost_cents=result.charged_cents,
            outcome=step.result,
            data={"buyers": len(result.assignments)},
        )
        return
    verdict = result.decided.decision.verdict if result.decided else None
    data: dict[str, str | int | None] = {
        "emptied_by": verdict.emptied_by if verdict else None,
        "due_at": step.due_at.isoformat() if step.due_at else None,
    }
    if recorder.route.first_lead_id is not None:
        data["first_lead_id"] = recorder.route.first_lead_id
    recorder.add(Event.FAILED, outcome=step.result, reason=result.unsold.reason, data=data)


def _report(outcome: Outcome, *, lead: LockedLead, head: AttemptHead, lock_ms: float, seconds: float) -> None:
    """Metrics and one structured log line, after the commit."""
    metrics.DECISION_SECONDS.observe(seconds)
    taken = outcome.taken
    if taken is not None and taken.next_attempt_at is not None:
        lag = taken.locked_at - taken.next_attempt_at
        metrics.START_LAG_SECONDS.labels(mode=taken.dispatch_mode).observe(max(0.0, lag.total_seconds()))
    metrics.LEADS_SOLD.inc(len(outcome.assignments))
    metrics.CENTS_CHARGED.inc(outcome.charged_cents)
    line = AttemptLine(
        lead_id=lead.public_id,
        attempt_id=head.id,
        result=outcome.result,
        skip_reason=outcome.skip_reason,
        attempts=head.number,
        owner=head.worker,
        duration_ms=outcome.duration_ms,
        lock_ms=lock_ms,
        rule_id=outcome.rule_id,
        source_workspace_id=lead.source_workspace_id,
        destination_workspace_id=lead.workspace_id,
        duplicate_of=outcome.duplicate_of,
        duplicate_workspace_id=outcome.duplicate_workspace_id,
    )
    sold = {"buyers": len(outcome.assignments), "charged_cents": outcome.charged_cents}
    log_attempt(line, cause=outcome.cause, **sold)


def decide_within(lead_id: int, *, seconds: float) -> Outcome:
    """Run attempts over a lead here and now until it has an outcome other than a busy lock, or time is up.

    The decision itself takes milliseconds; waiting happens outside any transaction.
    """
    deadline = time.monotonic() + seconds
    while True:
        outcome = distribute_lead(lead_id)
        waits = outcome.result == AttemptResult.RETRY or outcome.not_run in (NotRun.BUSY, NotRun.NOT_DUE)
        pause = max(0.005, _until_due(outcome).total_seconds())
        if not waits or time.monotonic() + pause > deadline:
            return outcome
        time.sleep(pause)


def _until_due(outcome: Outcome) -> timedelta:
    """By the database's clock, as the due time is."""
    if outcome.next_attempt_at is None or outcome.taken is None:
        return BUSY_PAUSE
    return outcome.next_attempt_at - outcome.taken.locked_at - timedelta(milliseconds=outcome.duration_ms)
