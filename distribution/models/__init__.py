"""Tables of distribution."""

from distribution.models.assignment import Assignment, AssignmentState
from distribution.models.buyer import Buyer
from distribution.models.buyerkey import BuyerKey, BuyerScope
from distribution.models.campaign import Campaign, CampaignMode, CampaignSnapshot, Tier, read_snapshot
from distribution.models.enrollment import MAX_WEIGHT, Enrollment
from distribution.models.money import NOT_CHARGES, LedgerEntry, LedgerKind, Wallet
from distribution.models.returning import (
    EvidenceKind,
    ReturnFile,
    ReturnLimit,
    ReturnPeriod,
    ReturnPolicy,
    ReturnRequest,
    ReturnState,
)
from distribution.models.verification import VerifyWatermark

__all__ = [
    "MAX_WEIGHT",
    "NOT_CHARGES",
    "Assignment",
    "AssignmentState",
    "Buyer",
    "BuyerKey",
    "BuyerScope",
    "Campaign",
    "CampaignMode",
    "CampaignSnapshot",
    "Enrollment",
    "EvidenceKind",
    "LedgerEntry",
    "LedgerKind",
    "ReturnFile",
    "ReturnLimit",
    "ReturnPeriod",
    "ReturnPolicy",
    "ReturnRequest",
    "ReturnState",
    "Tier",
    "VerifyWatermark",
    "Wallet",
    "read_snapshot",
]
