"""URLs of distribution, under /api/v1/."""

from django.urls import URLPattern, URLResolver, path

from distribution.api.account import (
    AnswersView,
    AreaView,
    EnrollmentsView,
    EnrollmentView,
    HoursView,
    MeView,
    PauseView,
    WalletView,
)
from distribution.api.buyer import (
    AssignmentsView,
    AssignmentView,
    LedgerView,
    MissedLeadView,
    MissedView,
)
from distribution.api.calls import CallsView
from distribution.api.cards import (
    CardSetupFinishView,
    CardSetupView,
    CardView,
    RechargeView,
    TopUpConfirmView,
    TopUpsView,
    TopUpView,
)
from distribution.api.changes import ChangesView, ChangeView, WithdrawChangeView
from distribution.api.endpoints import (
    EndpointSecretsView,
    EndpointsView,
    EndpointTestView,
    EndpointView,
)
from distribution.api.offers import ClaimView, OffersView, OfferView, StreamView
from distribution.api.payables import PayablesView
from distribution.api.paymentwebhook import StripeWebhookView
from distribution.api.pings import PingsView
from distribution.api.returns import (
    AssignmentReturnsView,
    EvidenceView,
    OneReturnView,
    ReturnPolicyView,
    ReturnsView,
    WithdrawView,
)
from distribution.api.statements import StatementPdfView, StatementsView, StatementView
from distribution.api.subscriptions import (
    BuyerSubscriptionsView,
    OneBuyerSubscriptionView,
    OneSourceSubscriptionView,
    SourceSubscriptionsView,
)
from distribution.api.trace import TraceView
from distribution.api.whatif import WhatIfView
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
    path("leads/<uuid:public_id>/calls/", CallsView.as_view(), name="lead-calls"),
    path("payables/", PayablesView.as_view(), name="payables"),
    path("pings/", PingsView.as_view(), name="pings"),
    path("buyer/me/", MeView.as_view(), name="buyer-me"),
    path("buyer/area/", AreaView.as_view(), name="buyer-area"),
    path("buyer/hours/", HoursView.as_view(), name="buyer-hours"),
    path("buyer/answers/", AnswersView.as_view(), name="buyer-answers"),
    path("buyer/pause/", PauseView.as_view(), name="buyer-pause"),
    path("buyer/enrollments/", EnrollmentsView.as_view(), name="buyer-enrollments"),
    path("buyer/enrollments/<uuid:public_id>/", EnrollmentView.as_view(), name="buyer-enrollment"),
    path("buyer/changes/", ChangesView.as_view(), name="buyer-changes"),
    path("buyer/changes/<uuid:public_id>/", ChangeView.as_view(), name="buyer-change"),
    path(
        "buyer/changes/<uuid:public_id>/withdraw/",
        WithdrawChangeView.as_view(),
        name="buyer-change-withdraw",
    ),
    path("buyer/whatif/", WhatIfView.as_view(), name="buyer-whatif"),
    path("buyer/endpoints/", EndpointsView.as_view(), name="buyer-endpoints"),
    path("buyer/endpoints/<uuid:public_id>/", EndpointView.as_view(), name="buyer-endpoint"),
    path(
        "buyer/endpoints/<uuid:public_id>/secrets/",
        EndpointSecretsView.as_view(),
        name="buyer-endpoint-secrets",
    ),
    path("buyer/endpoints/<uuid:public_id>/test/", EndpointTestView.as_view(), name="buyer-endpoint-test"),
    path("buyer/wallet/", WalletView.as_view(), name="buyer-wallet"),
    path("buyer/ledger/", LedgerView.as_view(), name="buyer-ledger"),
    path("buyer/card/", CardView.as_view(), name="buyer-card"),
    path("buyer/card/setup/", CardSetupView.as_view(), name="buyer-card-setup"),
    path("buyer/card/setup/finish/", CardSetupFinishView.as_view(), name="buyer-card-setup-finish"),
    path("buyer/topups/", TopUpsView.as_view(), name="buyer-topups"),
    path("buyer/topups/<uuid:public_id>/", TopUpView.as_view(), name="buyer-topup"),
    path("buyer/topups/<uuid:public_id>/confirm/", TopUpConfirmView.as_view(), name="buyer-topup-confirm"),
    path("buyer/recharge/", RechargeView.as_view(), name="buyer-recharge"),
    path("payments/stripe/webhook/", StripeWebhookView.as_view(), name="stripe-webhook"),
    path("buyer/statements/", StatementsView.as_view(), name="buyer-statements"),
    path("buyer/statements/<int:number>/", StatementView.as_view(), name="buyer-statement"),
    path("buyer/statements/<int:number>.pdf", StatementPdfView.as_view(), name="buyer-statement-pdf"),
    path("buyer/assignments/", AssignmentsView.as_view(), name="buyer-assignments"),
    path("buyer/assignments/<uuid:public_id>/", AssignmentView.as_view(), name="buyer-assignment"),
    path(
        "buyer/assignments/<uuid:public_id>/returns/",
        AssignmentReturnsView.as_view(),
        name="buyer-assignment-returns",
    ),
    path("buyer/offers/", OffersView.as_view(), name="buyer-offers"),
    path("buyer/offers/stream/", StreamView.as_view(), name="buyer-offers-stream"),
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
