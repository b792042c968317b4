"""Tables of routing."""

from routing.models.idempotency import IdempotencyRecord
from routing.models.lead import UNFINISHED, Lead, LeadStatus, RetryingLead
from routing.models.membership import Membership
from routing.models.workspace import Source, SourceKey, Workspace, WorkspaceKind

__all__ = [
    "UNFINISHED",
    "IdempotencyRecord",
    "Lead",
    "LeadStatus",
    "Membership",
    "RetryingLead",
    "Source",
    "SourceKey",
    "Workspace",
    "WorkspaceKind",
]
