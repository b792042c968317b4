"""Admin pages of distribution: configuration, money, the page of leads with their trace, and the home page."""

from django.contrib import admin

from distribution.admin.approval import ApprovalPolicyAdmin, ChangeProposalAdmin
from distribution.admin.assignment import AssignmentAdmin
from distribution.admin.bid import BidAdmin
from distribution.admin.blockedphone import BlockedPhoneAdmin
from distribution.admin.buyer import BuyerAdmin, EnrollmentAdmin
from distribution.admin.buyerkey import BuyerKeyAdmin
from distribution.admin.buyerstatement import BuyerStatementAdmin
from distribution.admin.call import CallAdmin
from distribution.admin.callinghours import CallingHoursAdmin
from distribution.admin.callpolicy import CallPolicyAdmin
from distribution.admin.campaign import CampaignAdmin, CampaignSnapshotAdmin, TierAdmin
from distribution.admin.cardpayment import CardPaymentAdmin
from distribution.admin.carrieraccount import CarrierAccountAdmin
from distribution.admin.channel import ChannelAdmin
from distribution.admin.delivery import DeliveryAdmin
from distribution.admin.dispatch import DispatchAdmin
from distribution.admin.endpoint import EndpointAdmin
from distribution.admin.lead import LeadWithTraceAdmin
from distribution.admin.money import LedgerEntryAdmin, WalletAdmin
from distribution.admin.offer import OfferAdmin
from distribution.admin.payables import PayableEntryAdmin, SourceContractAdmin
from distribution.admin.pingendpoint import PingEndpointAdmin
from distribution.admin.portaluser import PortalUserAdmin
from distribution.admin.retryqueue import RetryQueueActionsAdmin
from distribution.admin.returnpolicy import ReturnPolicyAdmin
from distribution.admin.returnrequest import ReturnRequestAdmin
from distribution.admin.source import SourceWithPayablesAdmin
from distribution.admin.subscription import SubscriptionAdmin
from distribution.admin.verification import VerificationAdmin
from distribution.admin.workspacekey import WorkspaceKeyAdmin

__all__ = [
    "ApprovalPolicyAdmin",
    "AssignmentAdmin",
    "BidAdmin",
    "BlockedPhoneAdmin",
    "BuyerAdmin",
    "BuyerKeyAdmin",
    "BuyerStatementAdmin",
    "CallAdmin",
    "CallPolicyAdmin",
    "CallingHoursAdmin",
    "CampaignAdmin",
    "CampaignSnapshotAdmin",
    "CardPaymentAdmin",
    "CarrierAccountAdmin",
    "ChangeProposalAdmin",
    "ChannelAdmin",
    "DeliveryAdmin",
    "DispatchAdmin",
    "EndpointAdmin",
    "EnrollmentAdmin",
    "LeadWithTraceAdmin",
    "LedgerEntryAdmin",
    "OfferAdmin",
    "PayableEntryAdmin",
    "PingEndpointAdmin",
    "PortalUserAdmin",
    "RetryQueueActionsAdmin",
    "ReturnPolicyAdmin",
    "ReturnRequestAdmin",
    "SourceContractAdmin",
    "SourceWithPayablesAdmin",
    "SubscriptionAdmin",
    "TierAdmin",
    "VerificationAdmin",
    "WalletAdmin",
    "WorkspaceKeyAdmin",
]

admin.site.index_template = "admin/leadswitch/index.html"
admin.site.site_header = admin.site.site_title = "LeadSwitch"
admin.site.index_title = "Today"
admin.site.site_url = None  # the admin is the site
