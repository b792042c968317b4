"""Tables of the trace."""

from tracing.models.attempt import Attempt, AttemptResult, AttemptTrigger
from tracing.models.audit import AuditEntry
from tracing.models.event import LeadDistributionEvent

__all__ = ["Attempt", "AttemptResult", "AttemptTrigger", "AuditEntry", "LeadDistributionEvent"]
