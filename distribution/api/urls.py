"""URLs of distribution, under /api/v1/."""

from django.urls import URLPattern, URLResolver, path

from distribution.api.buyer import (
    AssignmentsView,
    AssignmentView,
    LedgerView,
    MeView,
    MissedLeadView,
    MissedView,
    WalletView,
)
from distribution.api.offers import ClaimView, OffersView, OfferView
from distribution.api.payables import PayablesView
from distribution.api.returns import (
    AssignmentReturnsView,
    EvidenceView,
    OneReturnView,
    ReturnPolicyView,
    ReturnsView,
    WithdrawView,
)
from distribution.api.subscriptions import (
    BuyerSubscriptionsView,
    OneBuyerSubscriptionView,
    OneSourceSubscriptionView,
    SourceSubscriptionsView,
)
from distribution.api.trace import TraceView
from distribution.api.workspacedeliveries import (
    ResendView,
    ResolveView,
    WorkspaceDeliveriesView,
    WorkspaceDeliveryView,
)
from distribution.api.workspacereturns import (
    ApproveView,
    DeclineView,
    TakeBackView,
    WorkspaceEvidenceView,
    WorkspaceReturnsView,
    WorkspaceReturnView,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("leads/<uuid:public_id>/trace/", TraceView.as_view(), name="lead-trace"),
    path("payables/", PayablesView.as_view(), name="payables"),
    path("buyer/me/", MeView.as_view(), name="buyer-me"),
    path("buyer/wallet/", WalletView.as_view(), name="buyer-wallet"),
    path("buyer/ledger/", LedgerView.as_view(), name="buyer-ledger"),
    path("buyer/assignments/", AssignmentsView.as_view(), name="buyer-assignments"),
    path("buyer/assignments/<uuid:public_id>/", AssignmentView.as_view(), name="buyer-assignment"),
    path(
        "buyer/assignments/<uuid:public_id>/returns/",
        AssignmentReturnsView.as_view(),
        name="buyer-assignment-returns",
    ),
    path("buyer/offers/", OffersView.as_view(), name="buyer-offers"),
    path("buyer/offers/<uuid:public_id>/", OfferView.as_view(), name="buyer-offer"),
    path("buyer/offers/<uuid:public_id>/claim/", ClaimView.as_view(), name="buyer-offer-claim"),
    path("buyer/return-policy/", ReturnPolicyView.as_view(), name="buyer-return-policy"),
    path("buyer/returns/", ReturnsView.as_view(), name="buyer-returns"),
    path("buyer/returns/<uuid:public_id>/", OneReturnView.as_view(), name="buyer-return"),
    path("buyer/returns/<uuid:public_id>/evidence/", EvidenceView.as_view(), name="buyer-return-evidence"),
    path("buyer/returns/<uuid:public_id>/withdraw/", WithdrawView.as_view(), name="buyer-return-withdraw"),
    path("buyer/subscriptions/", BuyerSubscriptionsView.as_view(), name="buyer-subscriptions"),
    path(
        "buyer/subscriptions/<uuid:public_id>/",
        OneBuyerSubscriptionView.as_view(),
        name="buyer-subscription",
    ),
    path("subscriptions/", SourceSubscriptionsView.as_view(), name="subscriptions"),
    path("subscriptions/<uuid:public_id>/", OneSourceSubscriptionView.as_view(), name="subscription"),
    path("buyer/missed/", MissedView.as_view(), name="buyer-missed"),
    path("buyer/missed/<uuid:public_id>/", MissedLeadView.as_view(), name="buyer-missed-lead"),
    path("workspace/deliveries/", WorkspaceDeliveriesView.as_view(), name="workspace-deliveries"),
    path(
        "workspace/deliveries/<uuid:public_id>/", WorkspaceDeliveryView.as_view(), name="workspace-delivery"
    ),
    path(
        "workspace/deliveries/<uuid:public_id>/resolve/",
        ResolveView.as_view(),
        name="workspace-delivery-resolve",
    ),
    path(
        "workspace/deliveries/<uuid:public_id>/resend/",
        ResendView.as_view(),
        name="workspace-delivery-resend",
    ),
    path("workspace/returns/", WorkspaceReturnsView.as_view(), name="workspace-returns"),
    path("workspace/returns/<uuid:public_id>/", WorkspaceReturnView.as_view(), name="workspace-return"),
    path(
        "workspace/returns/<uuid:public_id>/evidence/<uuid:file_id>/",
        WorkspaceEvidenceView.as_view(),
        name="workspace-return-evidence",
    ),
    path(
        "workspace/returns/<uuid:public_id>/approve/", ApproveView.as_view(), name="workspace-return-approve"
    ),
    path(
        "workspace/returns/<uuid:public_id>/decline/", DeclineView.as_view(), name="workspace-return-decline"
    ),
    path(
        "workspace/assignments/<uuid:public_id>/returns/",
        TakeBackView.as_view(),
        name="workspace-assignment-returns",
    ),
]
