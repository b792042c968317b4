"""Plain admin pages of the trace: it is looked at, never written."""

from tracing.admin.attempt import AttemptAdmin
from tracing.admin.audit import AuditEntryAdmin
from tracing.admin.event import LeadDistributionEventAdmin

__all__ = ["AttemptAdmin", "AuditEntryAdmin", "LeadDistributionEventAdmin"]
