"""What is written when an attempt rolled back: its verdict, on a connection of its own.

The rollback took the trace with it, and the failed transaction's connection may be unusable. The verdict never hides
the real outcome: when it cannot be written, that is logged and counted, and the lead is due as it was.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction

from distribution import metrics
from distribution.attempts.campaigns import CAMPAIGNS
from distribution.attempts.decide_under_lock import Decided, TierLockContention, seed_of
from distribution.attempts.outcome import NotRun, Outcome
from distribution.attempts.trace import record_decision
from distribution.engine import DefinitionError
from routing.leads.finish import LeadMoved, close_rolled_back
from routing.locks import LockedLead
from routing.postgres_errors import is_outage, sqlstate_of
from routing.retry import NextStep, next_step
from tracing.models import AttemptResult
from tracing.recorder import AttemptEnd, Recorder
from tracing.skip_reasons import SKIP_REASONS, RetryClass
from tracing.vocabulary import Event

logger = logging.getLogger(__name__)

CONNECTION: Final = "verdict"
# lock_not_available: the lock time-out. deadlock_detected and serialization_failure: a conflict with another lead.
TRANSIENT_STATES: Final = {
    "55P03": "database_timeout",
    "40P01": "tier_lock_contention",
    "40001": "tier_lock_contention",
}
# What a rollback does not undo: that it was tried, where, and with which campaign.
HAPPENED: Final = frozenset({Event.DISTRIBUTION_STARTED, Event.ROUTED, Event.CAMPAIGN_RESOLVED})


@dataclass(frozen=True, slots=True)
class Cause:
    """Why it rolled back, in the trace's words."""

    reason: str
    name: str
    decided: Decided | None = None
    is_lasting: bool = False  # the same again, however often it is tried

    @property
    def retry_class(self) -> RetryClass:
        return RetryClass.PERMANENT if self.is_lasting else SKIP_REASONS[self.reason].retry_class


def write_verdict(error: Exception, *, lead: LockedLead, recorder: Recorder, at: datetime) -> Outcome:
    """Write the attempt's verdict and the lead's next state. Needs no open transaction on the default connection.

    When another worker took the lead right after the rollback, its attempt counts and the outcome here is BUSY. When
    somebody asked for another due time, or paused the lead, that stays, and the verdict records the attempt.
    Raises `error` again when the database itself is gone: the lead keeps its due time and nothing was lost.
    """
    if is_outage(error):
        raise error
    cause = classify(error)
    if cause.reason == "internal_error" and settings.DEBUG:
        # Elsewhere the attempt's line names the exception: its message may hold row data.
        logger.error(
            "distribution.internal_error", exc_info=error, extra={"attempt_id": str(recorder.head.id)}
        )
    step = next_step(
        retry_class=cause.retry_class,
        retry_at=None,
        at=at,
        tries=lead.tries,
        limits=lead.limits,
        expires_at=lead.expires_at,
        seed=seed_of(recorder.head.id),
    )
    try:
        written = _write(cause, step=step, lead=lead, recorder=recorder, at=at)
    except LeadMoved:
        return Outcome(lead_id=lead.id, public_id=lead.public_id, not_run=NotRun.BUSY)
    step = written.step
    return Outcome(
        lead_id=lead.id,
        public_id=lead.public_id,
        attempt_id=recorder.head.id,
        result=_result_of(step).value,
        skip_reason=cause.reason,
        next_attempt_at=step.due_at,
        duration_ms=recorder.elapsed_ms,
        is_traced=written.is_traced,
        cause=cause.name,
    )


def classify(error: Exception) -> Cause:
    """Only a real lock conflict is transient. A definition that does not compile stays so until it is corrected."""
    if isinstance(error, TierLockContention):
        return Cause("tier_lock_contention", "TierLockContention", error.decided)
    name = type(error).__name__
    if isinstance(error, DatabaseError):
        return Cause(TRANSIENT_STATES.get(sqlstate_of(error), "internal_error"), name)
    return Cause("internal_error", name, is_lasting=isinstance(error, DefinitionError))


@dataclass(frozen=True, slots=True)
class Written:
    """What follows the attempt as it was written, or would have been; and whether the trace was."""

    step: NextStep
    is_traced: bool = False


def _write(cause: Cause, *, step: NextStep, lead: LockedLead, recorder: Recorder, at: datetime) -> Written:
    # A failure at the commit comes after the decision and its end were recorded: neither came about.
    recorder.keep_only(HAPPENED)
    if cause.decided is not None:
        record_decision(recorder, cause.decided.decision, zip_code=lead.zip)
    written = Written(step)
    try:
        with transaction.atomic(using=CONNECTION):
            step = close_rolled_back(lead, step=step, skip_reason=cause.reason, at=at, using=CONNECTION)
            if cause.decided is not None:
                # A rollback takes along what its own transaction kept, and without it there is no replay.
                CAMPAIGNS.keep_snapshot_within(cause.decided.campaign, using=CONNECTION)
            _record_end(cause, step=step, recorder=recorder)
            end = _end(cause, step=step, lead=lead, recorder=recorder)
            written = Written(step, is_traced=recorder.write(end, using=CONNECTION))
    except (DatabaseError, InterfaceError) as error:
        metrics.VERDICT_FAILURES.labels(cause=type(error).__name__).inc()
        logger.warning(
            "distribution.verdict_not_written",
            extra={"lead_id": str(lead.public_id), "reason": cause.reason, "cause": type(error).__name__},
        )
        return replace(written, is_traced=False)
    return written


def _result_of(step: NextStep) -> AttemptResult:
    return AttemptResult.RETRY if step.due_at else AttemptResult.FAILED


def _record_end(cause: Cause, *, step: NextStep, recorder: Recorder) -> None:
    recorder.add(
        Event.FAILED,
        outcome=_result_of(step).value,
        reason=cause.reason,
        data={"cause": cause.name, "due_at": step.due_at.isoformat() if step.due_at else None},
    )


def _end(cause: Cause, *, step: NextStep, lead: LockedLead, recorder: Recorder) -> AttemptEnd:
    duration_ms = recorder.elapsed_ms
    decided = cause.decided
    return AttemptEnd(
        result=_result_of(step).value,
        finished_at=recorder.head.started_at + timedelta(milliseconds=duration_ms),
        duration_ms=duration_ms,
        skip_reason=cause.reason,
        transient=step.due_at is not None,
        next_attempt_at=step.due_at,
        destination_workspace_id=lead.workspace_id,
        campaign_id=decided.campaign.id if decided else None,
        config_version=decided.campaign.config_version if decided else None,
        facts=decided.facts_json() if decided else {},
    )
