"""Tables of distribution."""

from distribution.models.accounts import Account
from distribution.models.approval import (
    ALWAYS_APPROVED,
    ApprovalPolicy,
    ApprovedField,
    ChangeProposal,
    ProposalState,
)
from distribution.models.assignment import Assignment, AssignmentState
from distribution.models.buyer import Buyer
from distribution.models.buyerkey import PRESETS, BuyerKey, BuyerScope, expand_presets
from distribution.models.call import (
    Call,
    CallKind,
    CallNotice,
    CallOutcome,
    CallState,
    DialOutcome,
    NoticeKind,
    owner_of,
)
from distribution.models.callinghours import CallingHours
from distribution.models.callpolicy import BlockedPhone, CallPolicy
from distribution.models.campaign import Campaign
from distribution.models.campaign_modes import (
    CampaignMode,
    ConsentProof,
    OfferFallback,
    SellsOn,
    UnverifiedEnd,
    VerificationNeed,
)
from distribution.models.campaign_waking import CampaignWithVerifications
from distribution.models.cardpayments import (
    PENDING,
    CardDispute,
    CardPayment,
    CardRefund,
    PaymentMark,
    PaymentOrigin,
    PaymentState,
    ProviderEvent,
    RefundState,
)
from distribution.models.cards import (
    LEAST_PAYMENT_CENTS,
    MOST_PAYMENT_CENTS,
    MOST_TRIES,
    Card,
    CardCustomer,
    PauseReason,
    Recharge,
)
from distribution.models.carrieraccount import CarrierAccount
from distribution.models.channel import Channel
from distribution.models.deliverer import Deliverer
from distribution.models.delivery import (
    CHANNEL,
    ENDED,
    OPEN,
    Delivery,
    DeliveryState,
    DeliveryTry,
    TryOutcome,
)
from distribution.models.dialer import Dialer, DispatchControlWithCalls, WorkspaceWithCalls
from distribution.models.direct_posts import ANSWERING
from distribution.models.endpoint import DisabledReason, Endpoint
from distribution.models.endpointsecret import EndpointSecret
from distribution.models.enrollment import MAX_WEIGHT, Enrollment
from distribution.models.event import SHORTEST_KEPT_DAYS, AttemptWithEvents, Event, LeadWithEvents
from distribution.models.methods import (
    METHOD_FIELDS,
    AnswerFormat,
    BodyFormat,
    EmailFormat,
    HttpMethod,
    Method,
    PriceUnit,
    Purpose,
)
from distribution.models.money import (
    MAX_TERMS_DAYS,
    NOT_OF_SALES,
    PAYMENTS_CHANNEL,
    LedgerEntry,
    LedgerKind,
    Wallet,
)
from distribution.models.offer import (
    MAX_CLAIMED_BY_LENGTH,
    OFFERS_CHANNEL,
    Bid,
    BidOutcome,
    LeadWithOffers,
    Offer,
    OfferBuyer,
    OfferEnd,
    OfferKind,
    OfferState,
)
from distribution.models.pausing import is_paused
from distribution.models.payables import (
    ContractPays,
    PayableEntry,
    PayableKind,
    SourceContract,
    describe_share,
)
from distribution.models.ping import PingEndpoint
from distribution.models.portal import PortalLink, PortalRole, PortalSession, PortalUser
from distribution.models.rechargenotices import RechargeNotice, RechargeNoticeState
from distribution.models.returning import ReturnFile, ReturnRequest, ReturnState
from distribution.models.returnpolicy import EvidenceKind, ReturnLimit, ReturnPeriod, ReturnPolicy
from distribution.models.snapshot import CampaignSnapshot, read_snapshot
from distribution.models.statements import (
    MOVED,
    BuyerStatement,
    StatementCounter,
    StatementMail,
    StatementMailState,
)
from distribution.models.subscribing import EventKind
from distribution.models.subscription import Subscription
from distribution.models.tier import Tier
from distribution.models.verification import VerifyWatermark
from distribution.models.verifying import (
    CALL_REPORTS_CHANNEL,
    CALLS_CHANNEL,
    OPEN_VERIFICATIONS,
    CallEvent,
    LeadWithVerifications,
    Verification,
    VerificationState,
)
from distribution.models.workspacekey import WorkspaceKey, WorkspaceScope

__all__ = [
    "ALWAYS_APPROVED",
    "ANSWERING",
    "CALLS_CHANNEL",
    "CALL_REPORTS_CHANNEL",
    "CHANNEL",
    "ENDED",
    "LEAST_PAYMENT_CENTS",
    "MAX_CLAIMED_BY_LENGTH",
    "MAX_TERMS_DAYS",
    "MAX_WEIGHT",
    "METHOD_FIELDS",
    "MOST_PAYMENT_CENTS",
    "MOST_TRIES",
    "MOVED",
    "NOT_OF_SALES",
    "OFFERS_CHANNEL",
    "OPEN",
    "OPEN_VERIFICATIONS",
    "PAYMENTS_CHANNEL",
    "PENDING",
    "PRESETS",
    "SHORTEST_KEPT_DAYS",
    "Account",
    "AnswerFormat",
    "ApprovalPolicy",
    "ApprovedField",
    "Assignment",
    "AssignmentState",
    "AttemptWithEvents",
    "Bid",
    "BidOutcome",
    "BlockedPhone",
    "BodyFormat",
    "Buyer",
    "BuyerKey",
    "BuyerScope",
    "BuyerStatement",
    "Call",
    "CallEvent",
    "CallKind",
    "CallNotice",
    "CallOutcome",
    "CallPolicy",
    "CallState",
    "CallingHours",
    "Campaign",
    "CampaignMode",
    "CampaignSnapshot",
    "CampaignWithVerifications",
    "Card",
    "CardCustomer",
    "CardDispute",
    "CardPayment",
    "CardRefund",
    "CarrierAccount",
    "ChangeProposal",
    "Channel",
    "ConsentProof",
    "ContractPays",
    "Deliverer",
    "Delivery",
    "DeliveryState",
    "DeliveryTry",
    "DialOutcome",
    "Dialer",
    "DisabledReason",
    "DispatchControlWithCalls",
    "EmailFormat",
    "Endpoint",
    "EndpointSecret",
    "Enrollment",
    "Event",
    "EventKind",
    "EvidenceKind",
    "HttpMethod",
    "LeadWithEvents",
    "LeadWithOffers",
    "LeadWithVerifications",
    "LedgerEntry",
    "LedgerKind",
    "Method",
    "NoticeKind",
    "Offer",
    "OfferBuyer",
    "OfferEnd",
    "OfferFallback",
    "OfferKind",
    "OfferState",
    "PauseReason",
    "PayableEntry",
    "PayableKind",
    "PaymentMark",
    "PaymentOrigin",
    "PaymentState",
    "PingEndpoint",
    "PortalLink",
    "PortalRole",
    "PortalSession",
    "PortalUser",
    "PriceUnit",
    "ProposalState",
    "ProviderEvent",
    "Purpose",
    "Recharge",
    "RechargeNotice",
    "RechargeNoticeState",
    "RefundState",
    "ReturnFile",
    "ReturnLimit",
    "ReturnPeriod",
    "ReturnPolicy",
    "ReturnRequest",
    "ReturnState",
    "SellsOn",
    "SourceContract",
    "StatementCounter",
    "StatementMail",
    "StatementMailState",
    "Subscription",
    "Tier",
    "TryOutcome",
    "UnverifiedEnd",
    "Verification",
    "VerificationNeed",
    "VerificationState",
    "VerifyWatermark",
    "Wallet",
    "WorkspaceKey",
    "WorkspaceScope",
    "WorkspaceWithCalls",
    "describe_share",
    "expand_presets",
    "is_paused",
    "owner_of",
    "read_snapshot",
]
