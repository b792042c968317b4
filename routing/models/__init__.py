"""Tables of routing."""

from routing.models.dispatch import DispatchControl, DispatchPath
from routing.models.idempotency import IdempotencyRecord
from routing.models.lead import UNFINISHED, Lead, LeadStatus
from routing.models.membership import Membership
from routing.models.workspace import DispatchMode, Source, SourceKey, Workspace, WorkspaceKind

__all__ = [
    "UNFINISHED",
    "DispatchControl",
    "DispatchMode",
    "DispatchPath",
    "IdempotencyRecord",
    "Lead",
    "LeadStatus",
    "Membership",
    "Source",
    "SourceKey",
    "Workspace",
    "WorkspaceKind",
]
