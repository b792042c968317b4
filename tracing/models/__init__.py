"""Tables of the trace."""

from tracing.models.attempt import Attempt, AttemptResult, AttemptTrigger
from tracing.models.event import LeadDistributionEvent

__all__ = ["Attempt", "AttemptResult", "AttemptTrigger", "LeadDistributionEvent"]
