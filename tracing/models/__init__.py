"""Tables of the trace."""

from tracing.models.attempt import Attempt, AttemptResult, AttemptTrigger
from tracing.models.audit import AuditEntry
from tracing.models.event import LeadDistributionEvent
from tracing.models.rollup import (
    AttemptDay,
    AttemptHour,
    AttemptHourTotal,
    RollupState,
    UncountedAttempt,
    WorkspaceDay,
    WorkspaceHour,
)

__all__ = [
    "Attempt",
    "AttemptDay",
    "AttemptHour",
    "AttemptHourTotal",
    "AttemptResult",
    "AttemptTrigger",
    "AuditEntry",
    "LeadDistributionEvent",
    "RollupState",
    "UncountedAttempt",
    "WorkspaceDay",
    "WorkspaceHour",
]
