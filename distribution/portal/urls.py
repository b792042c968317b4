"""Routes of the portal. Everything below /portal/ belongs to its cookie."""

from django.urls import path

from distribution.portal.account import AccountPage, EndpointsPage
from distribution.portal.answers import AnswersPage
from distribution.portal.area import AreaPage
from distribution.portal.bids import BidsPage
from distribution.portal.cards import (
    AddCardPage,
    BuyPage,
    CardAddedPage,
    CardsPage,
    ConfirmPaymentPage,
    PauseRechargePage,
    RechargePage,
    RemoveCardPage,
)
from distribution.portal.endpoint_page import EndpointPage, RenewSecretPage
from distribution.portal.filter import FilterPage
from distribution.portal.home import HomePage
from distribution.portal.hours import HoursPage
from distribution.portal.leads import LeadPage, LeadsPage
from distribution.portal.limits import LimitsPage
from distribution.portal.listening import OfferStreamPage
from distribution.portal.missed import MissedLeadPage, MissedPage
from distribution.portal.offers import OfferListPage, OfferPage, OffersPage
from distribution.portal.pause import PausePage
from distribution.portal.profile import ProfilePage
from distribution.portal.proposals import ProposalsPage, WithdrawProposalPage
from distribution.portal.returns import AskReturnPage, ReturnPage, ReturnsPage, WithdrawPage
from distribution.portal.settings_pages import MorePage, SettingsPage
from distribution.portal.sign_in import (
    ChoosePage,
    EnterPage,
    SentPage,
    SignInPage,
    SignOutEverywherePage,
    SignOutPage,
)
from distribution.portal.statements import StatementPage, StatementPdfPage, StatementsPage
from distribution.portal.wallet import WalletPage

urlpatterns = [
    path("", HomePage.as_view(), name="portal-home"),
    path("sign-in/", SignInPage.as_view(), name="portal-sign-in"),
    path("sign-in/sent/", SentPage.as_view(), name="portal-sent"),
    path("enter/<str:token>/", EnterPage.as_view(), name="portal-enter"),
    path("choose/", ChoosePage.as_view(), name="portal-choose"),
    path("sign-out/", SignOutPage.as_view(), name="portal-sign-out"),
    path("sign-out/everywhere/", SignOutEverywherePage.as_view(), name="portal-sign-out-everywhere"),
    path("leads/", LeadsPage.as_view(), name="portal-leads"),
    path("leads/<uuid:public_id>/", LeadPage.as_view(), name="portal-lead"),
    path("leads/<uuid:public_id>/return/", AskReturnPage.as_view(), name="portal-ask-return"),
    path("offers/", OffersPage.as_view(), name="portal-offers"),
    path("offers/list/", OfferListPage.as_view(), name="portal-offer-list"),
    path("offers/stream/", OfferStreamPage.as_view(), name="portal-offer-stream"),
    path("offers/<uuid:public_id>/", OfferPage.as_view(), name="portal-offer"),
    path("missed/", MissedPage.as_view(), name="portal-missed"),
    path("missed/<uuid:public_id>/", MissedLeadPage.as_view(), name="portal-missed-lead"),
    path("returns/", ReturnsPage.as_view(), name="portal-returns"),
    path("returns/<uuid:public_id>/", ReturnPage.as_view(), name="portal-return"),
    path("returns/<uuid:public_id>/withdraw/", WithdrawPage.as_view(), name="portal-withdraw"),
    path("wallet/", WalletPage.as_view(), name="portal-wallet"),
    path("wallet/card/", CardsPage.as_view(), name="portal-cards"),
    path("wallet/card/add/", AddCardPage.as_view(), name="portal-add-card"),
    path("wallet/card/added/", CardAddedPage.as_view(), name="portal-card-added"),
    path("wallet/card/remove/", RemoveCardPage.as_view(), name="portal-remove-card"),
    path("wallet/card/buy/", BuyPage.as_view(), name="portal-buy"),
    path("wallet/card/recharge/", RechargePage.as_view(), name="portal-recharge"),
    path("wallet/card/recharge/pause/", PauseRechargePage.as_view(), name="portal-pause-recharge"),
    path(
        "wallet/card/payments/<uuid:public_id>/confirm/",
        ConfirmPaymentPage.as_view(),
        name="portal-confirm-payment",
    ),
    path("wallet/statements/", StatementsPage.as_view(), name="portal-statements"),
    path("wallet/statements/<int:number>/", StatementPage.as_view(), name="portal-statement"),
    path("wallet/statements/<int:number>/pdf/", StatementPdfPage.as_view(), name="portal-statement-pdf"),
    path("settings/", SettingsPage.as_view(), name="portal-settings"),
    path("settings/area/", AreaPage.as_view(), name="portal-area"),
    path("settings/hours/", HoursPage.as_view(), name="portal-hours"),
    path("settings/pause/", PausePage.as_view(), name="portal-pause"),
    path("settings/campaigns/<uuid:public_id>/", LimitsPage.as_view(), name="portal-limits"),
    path("settings/campaigns/<uuid:public_id>/filter/", FilterPage.as_view(), name="portal-filter"),
    path("settings/campaigns/<uuid:public_id>/bids/", BidsPage.as_view(), name="portal-bids"),
    path("settings/answers/", AnswersPage.as_view(), name="portal-answers"),
    path("settings/company/", ProfilePage.as_view(), name="portal-profile"),
    path("settings/changes/", ProposalsPage.as_view(), name="portal-proposals"),
    path(
        "settings/changes/<uuid:public_id>/withdraw/",
        WithdrawProposalPage.as_view(),
        name="portal-withdraw-proposal",
    ),
    path("settings/endpoints/", EndpointsPage.as_view(), name="portal-endpoints"),
    path("settings/endpoints/<uuid:public_id>/", EndpointPage.as_view(), name="portal-endpoint"),
    path(
        "settings/endpoints/<uuid:public_id>/secret/", RenewSecretPage.as_view(), name="portal-renew-secret"
    ),
    path("more/", MorePage.as_view(), name="portal-more"),
    path("account/", AccountPage.as_view(), name="portal-account"),
]
