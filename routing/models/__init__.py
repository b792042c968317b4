"""Tables of routing."""

from routing.models.allowance import AskedBy, LeadAllowance
from routing.models.apikey import ScopedKey
from routing.models.dispatch import Begun, Canary, DispatchControl, DispatchPath, ReconcilerRun
from routing.models.idempotency import IdempotencyRecord
from routing.models.lead import TIMED, UNFINISHED, VERIFIED, Lead, LeadStatus, LeadVerification, RetryingLead
from routing.models.membership import Membership
from routing.models.ping import Ping
from routing.models.rule import RoutingRule
from routing.models.wakeup import Wakeup
from routing.models.workspace import (
    AfterPromise,
    DispatchMode,
    DuplicateScope,
    IntakeMode,
    Source,
    SourceKey,
    SourceScope,
    Workspace,
    WorkspaceKind,
)

__all__ = [
    "TIMED",
    "UNFINISHED",
    "VERIFIED",
    "AfterPromise",
    "AskedBy",
    "Begun",
    "Canary",
    "DispatchControl",
    "DispatchMode",
    "DispatchPath",
    "DuplicateScope",
    "IdempotencyRecord",
    "IntakeMode",
    "Lead",
    "LeadAllowance",
    "LeadStatus",
    "LeadVerification",
    "Membership",
    "Ping",
    "ReconcilerRun",
    "RetryingLead",
    "RoutingRule",
    "ScopedKey",
    "Source",
    "SourceKey",
    "SourceScope",
    "Wakeup",
    "Workspace",
    "WorkspaceKind",
]
