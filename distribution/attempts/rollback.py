"""Writes the verdict of an attempt that rolled back, on a connection of its own.

The rollback removed the trace, and the failed transaction's connection may be unusable. If the verdict cannot be
written, that is logged and counted, and the lead keeps its due time.
"""

import logging
from dataclasses import dataclass, replace
from typing import Final

from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction

from distribution import metrics
from distribution.attempts.campaigns import CAMPAIGNS
from distribution.attempts.decide_under_lock import TierLockContention
from distribution.attempts.outcome import AttemptOutcome, NotRun
from distribution.attempts.record import AttemptRecord, Decided, Unsold
from distribution.attempts.trace import record_decision
from distribution.engine import DefinitionError
from routing.leads.finish import LeadMoved, close_rolled_back
from routing.postgres_errors import is_outage, sqlstate_of
from routing.retry import NextStep
from tracing.models import AttemptResult
from tracing.skip_reasons import SKIP_REASONS, RetryClass
from tracing.vocabulary import Event

logger = logging.getLogger(__name__)

CONNECTION: Final = "verdict"
# lock_not_available: the lock timeout. deadlock_detected and serialization_failure: a conflict with another lead.
TRANSIENT_STATES: Final = {
    "55P03": "database_timeout",
    "40P01": "tier_lock_contention",
    "40001": "tier_lock_contention",
}
# What stays true after a rollback: that an attempt ran, where, and with which campaign.
HAPPENED: Final = frozenset({Event.DISTRIBUTION_STARTED, Event.ROUTED, Event.CAMPAIGN_RESOLVED})


@dataclass(frozen=True, slots=True)
class Cause:
    """Why the attempt rolled back, as the trace records it."""

    reason: str
    name: str
    decided: Decided | None = None
    is_lasting: bool = False  # every retry would fail the same way

    @property
    def retry_class(self) -> RetryClass:
        return RetryClass.PERMANENT if self.is_lasting else SKIP_REASONS[self.reason].retry_class


def write_verdict(error: Exception, record: AttemptRecord) -> AttemptOutcome:
    """Write the attempt's verdict and the lead's next state. Needs no open transaction on the default connection.

    When another worker took the lead right after the rollback, its attempt counts and the outcome here is BUSY. A
    new due time or a pause that an operator set after the rollback stays, and the verdict records the attempt.
    Raises `error` again if the database is gone: the lead keeps its due time and nothing is lost.
    """
    if is_outage(error):
        raise error
    cause = classify(error)
    if cause.reason == "internal_error" and settings.DEBUG:
        # In production the log line has only the exception's name: its message may hold row data.
        logger.error(
            "distribution.internal_error",
            exc_info=error,
            extra={"attempt_id": str(record.trace.head.id)},
        )
    _roll_back(record, cause)
    try:
        _write(record, cause)
    except LeadMoved:
        return AttemptOutcome(lead_id=record.lead.id, public_id=record.lead.public_id, not_run=NotRun.BUSY)
    return record.make_outcome()


def _roll_back(record: AttemptRecord, cause: Cause) -> None:
    """Remove what the rollback undid. If the commit failed, the record already has a decision and an end."""
    record.trace.retain_only(HAPPENED)
    record.decided, record.assignments, record.held, record.is_traced = cause.decided, (), (), False
    record.opened = record.closed = record.failed = None
    record.ended_by = ""
    record.unsold, record.cause = Unsold(cause.reason, cause.retry_class), cause.name
    if cause.decided is not None:
        record_decision(record.trace, cause.decided.decision, zip_code=record.lead.zip)
    record.step = _as_failure(record.find_step())


def classify(error: Exception) -> Cause:
    """Only a real lock conflict is transient. A definition error lasts until a person corrects the definition."""
    if isinstance(error, TierLockContention):
        return Cause("tier_lock_contention", "TierLockContention", error.decided)
    name = type(error).__name__
    if isinstance(error, DatabaseError):
        return Cause(TRANSIENT_STATES.get(sqlstate_of(error), "internal_error"), name)
    return Cause("internal_error", name, is_lasting=isinstance(error, DefinitionError))


def _write(record: AttemptRecord, cause: Cause) -> None:
    try:
        with transaction.atomic(using=CONNECTION):
            step = close_rolled_back(
                record.lead, step=record.step, skip_reason=cause.reason, at=record.at, using=CONNECTION
            )
            if cause.decided is not None:
                # A rollback also removes a snapshot stored in its transaction, and replay needs the snapshot.
                CAMPAIGNS.store_snapshot_within(cause.decided.campaign, using=CONNECTION)
            record.conclude(step, using=CONNECTION)
            record.write_trace(using=CONNECTION)
    except (DatabaseError, InterfaceError) as error:
        metrics.VERDICT_FAILURES.labels(cause=type(error).__name__).inc()
        logger.warning(
            "distribution.verdict_not_written",
            extra={
                "lead_id": str(record.lead.public_id),
                "reason": cause.reason,
                "cause": type(error).__name__,
            },
        )
        record.is_traced, record.duration_ms = False, record.trace.elapsed_ms


def _as_failure(step: NextStep) -> NextStep:
    """Until the verdict is written: under the lead's lock, one that a buyer has is sold."""
    result = AttemptResult.RETRY if step.due_at else AttemptResult.FAILED
    return replace(step, result=result.value)
