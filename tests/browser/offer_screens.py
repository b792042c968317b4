"""The pages of offers, auctions, pings, cards and statements for the screenshots."""

from django.urls import reverse

from distribution.attempts.distribute import distribute_lead
from distribution.models import Bid, Buyer, BuyerStatement, CardPayment, Offer, PingEndpoint
from distribution.money.wallet import top_up
from routing.models import Lead, Ping
from tests.support.admin_pages import issue_old_statement
from tests.support.admin_pages import page as path_of
from tests.support.auctions import answer, auction_campaign, auctioned_lead, bidder, close
from tests.support.factories import (
    CampaignFactory,
    CardPaymentFactory,
    EnrollmentFactory,
    LeadFactory,
    PingFactory,
    RechargeFactory,
)


def make_offers() -> None:
    """An offer that is open, an auction in which one buyer bid and one did not, and a ping."""
    gutters = CampaignFactory(
        name="Gutters",
        vertical="gutters",
        mode="ping_post",
        fallback_mode="priority",
        offer_fields=["zip3", "state", "attributes.roof_age"],
        offer_seconds=3_600,
    )
    EnrollmentFactory.create_batch(2, campaign=gutters, buyer__credits_cents=100_000)
    EnrollmentFactory(campaign=gutters, active=False)
    source = PingFactory(source__workspace=gutters.workspace).source
    offered: Lead = LeadFactory(source=source, vertical="gutters", attributes={"roof_age": 12})
    assert distribute_lead(offered.pk).result == "offered"
    _hold_auction()


def _hold_auction() -> None:
    campaign = auction_campaign(name="Siding", vertical="siding")
    first, second = (bidder(campaign, url=f"https://bids.example.com/{number}") for number in range(2))
    lead = auctioned_lead(campaign, vertical="siding")
    answer(lead, first, 4_150)
    answer(lead, second, None, "no_bid", bid_reason="outside our area")
    close(lead)


def pay_by_card(buyer: Buyer) -> None:
    """A payment that succeeded, automatic recharge that is on, and a statement."""
    RechargeFactory(wallet=buyer.wallet)
    entry = top_up(buyer.pk, amount_cents=5_000, key="card:pi_1", actor="stripe", clearing="card")
    CardPaymentFactory(card__buyer=buyer, state="succeeded", failure_code="", provider_id="pi_1", entry=entry)
    issue_old_statement(buyer, month=1)


def offer_pages() -> dict[str, str]:
    """The drawer of a lead that is on offer and of one that was auctioned."""
    leads = path_of(Lead, "changelist")
    offered = Offer.objects.filter(kind="ping_post").latest("pk")
    bid = Bid.objects.select_related("offer__lead").latest("pk")
    return {
        "offer-open": path_of(Offer, "change", offered.pk),
        "offer-drawer": f"{leads}?trace={offered.lead.public_id}",
        "lead-trace-offers": reverse("admin:routing_lead_trace", args=[offered.lead.public_id]),
        "lead-trace-auction": reverse("admin:routing_lead_trace", args=[bid.offer.lead.public_id]),
        "bid-answer": path_of(Bid, "change", bid.pk),
        "ping-answer": path_of(Ping, "change", Ping.objects.latest("pk").pk),
        "pingendpoint-test": reverse(
            "admin:distribution_pingendpoint_act", args=[PingEndpoint.objects.latest("pk").pk, "test"]
        ),
    }


def card_pages() -> dict[str, str]:
    """What the buttons ask, and a month that runs."""
    payment = CardPayment.objects.latest("pk")
    statement = BuyerStatement.objects.latest("pk")
    wallet = [payment.wallet_id]
    return {
        "cardpayment-refund": reverse("admin:distribution_cardpayment_do", args=[payment.pk, "refund"]),
        "cardpayment-look-up": reverse("admin:distribution_cardpayment_do", args=[payment.pk, "lookup"]),
        "wallet-recharge-pause": reverse("admin:distribution_wallet_recharge", args=[*wallet, "pause"]),
        "wallet-statement": reverse("admin:distribution_wallet_statement", args=wallet),
        "buyerstatement-mail": reverse("admin:distribution_buyerstatement_mail", args=[statement.pk]),
    }
