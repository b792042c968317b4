"""The pages of offers, auctions, pings, cards and statements for the screenshots."""

from contextlib import suppress

from django.urls import reverse

from distribution.attempts.distribute import distribute_lead
from distribution.models import (
    Bid,
    Buyer,
    BuyerStatement,
    Campaign,
    CardPayment,
    Enrollment,
    Offer,
    OfferBuyer,
    PingEndpoint,
)
from distribution.money.wallet import top_up
from distribution.offers.claim import claim_offer
from distribution.offers.refusals import ClaimRefused
from routing.models import Lead, Ping, Source
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
    """Offers that are open, claimed and run out, an auction with four bidders, and a ping."""
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
    _claim(gutters, source)
    _open(source)
    _hold_auction()


def _open(source: Source) -> Lead:
    offered: Lead = LeadFactory(source=source, vertical="gutters", attributes={"roof_age": 12})
    assert distribute_lead(offered.pk).result == "offered"
    return offered


def _hold_auction() -> None:
    """The best bid wins; others are lower, late or missing."""
    campaign = auction_campaign(name="Siding", vertical="siding", reserve_cents=2_000)
    bidders = {
        name: bidder(campaign, url=f"https://bids.example.com/{number}", buyer__name=name)
        for number, name in enumerate(
            ("Blue Ridge Siding", "Peachtree Siding", "Piedmont Siding", "Fulton Siding")
        )
    }
    lead = auctioned_lead(campaign, vertical="siding")
    answer(lead, bidders["Peachtree Siding"], 4_150, bid_id="B-77")
    answer(lead, bidders["Blue Ridge Siding"], 3_625)
    answer(lead, bidders["Piedmont Siding"], None, "no_bid", bid_reason="outside our area")
    close(lead)
    places = OfferBuyer.objects.filter(offer__lead=lead)
    for name, latency_ms in (("Peachtree Siding", 215), ("Blue Ridge Siding", 640), ("Piedmont Siding", 90)):
        places.filter(buyer__name=name).update(latency_ms=latency_ms)
    places.filter(buyer__name="Fulton Siding").update(bid_outcome="late", bid_cents=4_400, latency_ms=1_400)


def _claim(campaign: Campaign, source: Source) -> None:
    """One offer that a buyer claimed before another one, and one that ran out."""
    first, second = Enrollment.objects.filter(campaign=campaign, active=True).order_by("pk")
    claimed, unclaimed = _open(source), _open(source)
    offer = Offer.objects.get(lead=claimed)
    claim_offer(offer.public_id, buyer_id=first.buyer_id)
    with suppress(ClaimRefused):
        claim_offer(offer.public_id, buyer_id=second.buyer_id)
    close(unclaimed)


def pay_by_card(buyer: Buyer) -> None:
    """A payment that succeeded, automatic recharge that is on, and a statement."""
    RechargeFactory(wallet=buyer.wallet)
    entry = top_up(buyer.pk, amount_cents=5_000, key="card:pi_1", actor="stripe", clearing="card")
    CardPaymentFactory(card__buyer=buyer, state="succeeded", failure_code="", provider_id="pi_1", entry=entry)
    issue_old_statement(buyer, month=1)


def offer_pages() -> dict[str, str]:
    """Offers and auctions, the drawers of their leads, and the forms of their campaigns."""
    leads = path_of(Lead, "changelist")
    offered = Offer.objects.filter(kind="ping_post").latest("pk")
    claimed = Offer.objects.filter(end_reason="claimed").latest("pk")
    over = Offer.objects.filter(end_reason="window_over", kind="ping_post").latest("pk")
    bid = Bid.objects.select_related("offer__lead").latest("pk")
    return {
        "offer-open": path_of(Offer, "change", offered.pk),
        "offer-drawer": f"{leads}?trace={offered.lead.public_id}",
        "lead-trace-offers": reverse("admin:routing_lead_trace", args=[offered.lead.public_id]),
        "lead-trace-auction": reverse("admin:routing_lead_trace", args=[bid.offer.lead.public_id]),
        "offer-claimed": path_of(Offer, "change", claimed.pk),
        "offer-of-an-auction": path_of(Offer, "change", bid.offer_id),
        "lead-trace-claimed": reverse("admin:routing_lead_trace", args=[claimed.lead.public_id]),
        "lead-trace-offer-over": reverse("admin:routing_lead_trace", args=[over.lead.public_id]),
        "campaign-ping-post": path_of(Campaign, "change", offered.campaign_id),
        "campaign-auction": path_of(Campaign, "change", bid.offer.campaign_id),
        "bid-by-hour": reverse("admin:distribution_bid_figures"),
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
