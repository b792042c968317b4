"""Writes one log line and the metrics of each attempt after its commit: only ids, codes, counts and durations."""

import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from routing.leads.decision_metrics import NO_WAIT, Waited, count_decision, is_system_failure
from routing.metrics.leads import LEAD_LOCK_SECONDS
from routing.models import Lead
from tracing import metrics as tracing_metrics
from tracing.models import AttemptResult

logger = logging.getLogger(__name__)

COMPLETE: Final = "routing.complete"
LOCK_FAILED: Final = "routing.lock.failed"
DUPLICATE: Final = "routing.duplicate_detected"
FAILED: Final = "routing.failed"
# An attempt normally takes milliseconds. Above this its line is a warning.
SLOW_MS: Final = 5_000.0


class LockOutcome(StrEnum):
    ACQUIRED = "acquired"
    BUSY = "busy"  # another process had locked it: normal contention, not an error
    TIMED_OUT = "timed_out"  # it was not granted within lock_timeout


# Skip reasons of attempts that did not get a lock they needed.
LOCK_REASONS: Final = {
    "tier_lock_contention": LockOutcome.BUSY,
    "database_timeout": LockOutcome.TIMED_OUT,
}
SYSTEM_FAILED: Final = frozenset({AttemptResult.RETRY, AttemptResult.FAILED})


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """The log line of one attempt.

    `attempts` counts the lead's attempts, including this one. `lock_ms` is None if no worker ran the attempt and it was
    ended by another process. The source workspace received the lead, the destination workspace has it now, and the
    duplicate workspace has the first lead of the same person. `ended_by`: of a lead that buyers had before, why no
    other buyer gets it.
    """

    lead_id: UUID
    attempt_id: UUID
    result: str
    skip_reason: str
    attempts: int
    owner: str
    duration_ms: float
    source_workspace_id: int
    destination_workspace_id: int
    lock_ms: float | None = None
    rule_id: int | None = None
    duplicate_of: UUID | None = None
    duplicate_workspace_id: int | None = None
    waited: Waited = NO_WAIT  # for the metrics only
    is_decision: bool = True  # False: it recorded the answer of a buyer's system
    is_test: bool = False
    ended_by: str = ""

    @property
    def reason(self) -> str:
        return self.skip_reason or self.ended_by

    @property
    def lock(self) -> LockOutcome | None:
        if self.lock_ms is None:
            return None
        return LOCK_REASONS.get(self.reason, LockOutcome.ACQUIRED)

    @property
    def event(self) -> str:
        if self.result == AttemptResult.DUPLICATE:
            return DUPLICATE
        if self.result == AttemptResult.RETRY and self.skip_reason in LOCK_REASONS:
            return LOCK_FAILED
        return FAILED if self.result in SYSTEM_FAILED else COMPLETE

    @property
    def is_slow(self) -> bool:
        return self.duration_ms > SLOW_MS

    @property
    def level(self) -> int:
        """ERROR: the product failed. WARNING: a lock timed out or the attempt was slow. Busy locks are normal."""
        if self.event == FAILED or is_system_failure(self.result, self.reason):
            return logging.ERROR
        has_timed_out = self.event == LOCK_FAILED and self.lock is LockOutcome.TIMED_OUT
        return logging.WARNING if has_timed_out or self.is_slow else logging.INFO


def log_attempt(line: AttemptLine, **more: Any) -> None:
    """Count the attempt, unless of a test lead, and write its line. `more` adds fields to the line."""
    if not line.is_test:
        _count(line)
    logger.log(
        line.level,
        line.event,
        extra={
            "lead_id": str(line.lead_id),
            "attempt_id": str(line.attempt_id),
            "result": line.result,
            "skip_reason": line.skip_reason,
            "ended_by": line.ended_by,
            "attempts": line.attempts,
            "owner": line.owner,
            "duration_ms": line.duration_ms,
            "slow": line.is_slow,
            "lock": line.lock,
            "lock_ms": line.lock_ms,
            "rule_id": line.rule_id,
            "source_workspace_id": line.source_workspace_id,
            "destination_workspace_id": line.destination_workspace_id,
            "duplicate": line.result == AttemptResult.DUPLICATE,
            "duplicate_of": None if line.duplicate_of is None else str(line.duplicate_of),
            "duplicate_workspace_id": line.duplicate_workspace_id,
            "is_test": line.is_test,
            **more,
        },
    )


def _count(line: AttemptLine) -> None:
    lock = line.lock
    tracing_metrics.ATTEMPTS.labels(result=line.result, skip_reason=line.skip_reason).inc()
    if line.is_decision:
        count_decision(line.result, line.reason, line.waited)
    if lock is not None and line.lock_ms is not None:
        LEAD_LOCK_SECONDS.labels(outcome=lock.value).observe(line.lock_ms / 1000)


def log_lock_timeout(lead_row: int | None, *, lock_ms: float) -> None:
    """Log that a lock was not granted in time, so no attempt began. `lead_row`: the lead's numeric id, if it is known.

    Reads nothing: the table may be locked, so that every read of the lead would wait as long.
    """
    extra = {"lead_row": lead_row, "lock": LockOutcome.TIMED_OUT.value, "lock_ms": lock_ms}
    LEAD_LOCK_SECONDS.labels(outcome=LockOutcome.TIMED_OUT.value).observe(lock_ms / 1000)
    logger.warning(LOCK_FAILED, extra=extra)


def log_busy_lead(lead_row: int, *, lock_ms: float) -> None:
    """Log that another process has the lead, so no attempt began. Reads the lead without a lock."""
    extra = {"lead_row": lead_row, "lock": LockOutcome.BUSY.value, "lock_ms": lock_ms, **_read_ids(lead_row)}
    LEAD_LOCK_SECONDS.labels(outcome=LockOutcome.BUSY.value).observe(lock_ms / 1000)
    logger.info(LOCK_FAILED, extra=extra)


def _read_ids(lead_row: int) -> dict[str, Any]:
    """The public id and the workspaces of a lead. Empty if it does not exist."""
    columns = ("public_id", "source_workspace_id", "workspace_id")
    found = Lead.objects.filter(pk=lead_row).values_list(*columns).first()
    if found is None:
        return {}
    public_id, source_id, destination_id = found
    return {
        "lead_id": str(public_id),
        "source_workspace_id": source_id,
        "destination_workspace_id": destination_id,
    }
