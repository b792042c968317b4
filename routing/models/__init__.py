"""Tables of routing."""

from routing.models.dispatch import DispatchControl, DispatchPath
from routing.models.idempotency import IdempotencyRecord
from routing.models.lead import UNFINISHED, Lead, LeadStatus, RetryingLead
from routing.models.membership import Membership
from routing.models.rule import RoutingRule
from routing.models.wakeup import Wakeup
from routing.models.workspace import (
    DispatchMode,
    DuplicateScope,
    IntakeMode,
    Source,
    SourceKey,
    Workspace,
    WorkspaceKind,
)

__all__ = [
    "UNFINISHED",
    "DispatchControl",
    "DispatchMode",
    "DispatchPath",
    "DuplicateScope",
    "IdempotencyRecord",
    "IntakeMode",
    "Lead",
    "LeadStatus",
    "Membership",
    "RetryingLead",
    "RoutingRule",
    "Source",
    "SourceKey",
    "Wakeup",
    "Workspace",
    "WorkspaceKind",
]
