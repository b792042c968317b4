"""Buyers see offers in the portal and claim them, by the same use case as the API."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from distribution.models import Assignment, Buyer, Offer, OfferBuyer, Wallet
from distribution.money.wallet import adjust
from distribution.offers.claim import claim_offer
from distribution.offers.refusals import Taken
from tests.support.factories import PortalUserFactory
from tests.support.offers import (
    CREDITS_CENTS,
    PRICE_CENTS,
    buyers_of,
    offering_campaign,
    open_offer_of,
)
from tests.support.portal import signed_in

pytestmark = pytest.mark.django_db
CONTACT = {"first_name": "Grace", "last_name": "Hopper", "email": "grace@example.com"}


@pytest.fixture
def offer() -> Offer:
    return open_offer_of(offering_campaign(buyers=3), at=timezone.now(), **CONTACT)


def people(offer: Offer) -> list[Client]:
    """A manager of each buyer that was shown the offer."""
    buyers = [Buyer.objects.get(pk=buyer_id) for buyer_id in buyers_of(offer.campaign)]
    return [signed_in(PortalUserFactory(buyer=buyer)) for buyer in buyers]


def page_of(offer: Offer) -> str:
    return f"/portal/offers/{offer.public_id}/"


def text(client: Client, path: str) -> str:
    answer: Any = client.get(path)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_open_offer_is_listed_with_price_and_without_contact(offer: Offer) -> None:
    [first, *_] = people(offer)
    for path in ("/portal/offers/", "/portal/offers/list/", page_of(offer)):
        shown = text(first, path)
        assert "$25.00" in shown
        assert "Roof age" in shown
        assert not [value for value in CONTACT.values() if value in shown], path


def test_claim_sells_the_lead_and_shows_its_contact(offer: Offer) -> None:
    [first, *_] = people(offer)
    assert "Claim for $25.00" in text(first, page_of(offer))
    answer = first.post(page_of(offer))
    sold = Assignment.objects.get(lead=offer.lead)
    assert (answer.status_code, answer["Location"]) == (302, f"/portal/leads/{sold.public_id}/?done=claimed")
    assert sold.buyer_id == buyers_of(offer.campaign)[0]
    assert Wallet.objects.get(buyer=sold.buyer).balance_cents == CREDITS_CENTS - PRICE_CENTS
    lead = text(first, answer["Location"])
    assert "The lead is yours." in lead
    assert "grace@example.com" in lead


def test_claim_keeps_the_name_of_the_manager_and_shows_it(offer: Offer) -> None:
    buyer = Buyer.objects.get(pk=buyers_of(offer.campaign)[0])
    manager = signed_in(PortalUserFactory(buyer=buyer, name="Maria Lopez"))
    manager.post(page_of(offer))
    assert OfferBuyer.objects.get(offer=offer, buyer=buyer).claimed_by == "portal Maria Lopez"
    assert "<dt>Claimed by</dt><dd>Maria Lopez</dd>" in text(manager, page_of(offer))


def test_repeated_claim_charges_once(offer: Offer) -> None:
    [first, *_] = people(offer)
    first.post(page_of(offer))
    answer = first.post(page_of(offer))
    sold = Assignment.objects.get(lead=offer.lead)
    assert answer["Location"] == f"/portal/leads/{sold.public_id}/?done=claimed-before"
    assert Wallet.objects.get(buyer=sold.buyer).balance_cents == CREDITS_CENTS - PRICE_CENTS
    assert "claimed by you" in text(first, page_of(offer))


def test_later_claim_says_taken_and_by_how_much_but_not_by_whom(offer: Offer) -> None:
    [_, second, _] = people(offer)
    winner = Buyer.objects.get(pk=buyers_of(offer.campaign)[0])
    claim_offer(offer.public_id, buyer_id=winner.pk, at=timezone.now() - timedelta(milliseconds=1))
    answer = second.post(page_of(offer))
    assert answer.status_code == 409
    shown = answer.content.decode()
    late = OfferBuyer.objects.get(offer=offer, buyer_id=buyers_of(offer.campaign)[1]).late_ms
    assert late is not None
    assert "Taken: another buyer claimed this lead" in shown
    assert "You were not charged." in shown
    assert winner.name not in shown
    assert Assignment.objects.filter(lead=offer.lead).count() == 1
    assert "too late" in text(second, page_of(offer))


def test_claim_after_the_time_is_refused(offer: Offer) -> None:
    [first, *_] = people(offer)
    Offer.objects.filter(pk=offer.pk).update(closes_at=timezone.now())
    answer = first.post(page_of(offer))
    assert answer.status_code == 409
    assert "The time of this offer is over." in answer.content.decode()
    assert not Assignment.objects.filter(lead=offer.lead).exists()
    assert "No offer is open now." in text(first, "/portal/offers/")
    assert "time is over" in text(first, "/portal/offers/?state=all")


def test_claim_without_balance_says_what_to_do(offer: Offer) -> None:
    [first, *_] = people(offer)
    buyer_id = buyers_of(offer.campaign)[0]
    adjust(buyer_id, amount_cents=-CREDITS_CENTS, key="spent", actor="ann", reason="spent elsewhere")
    answer = first.post(page_of(offer))
    assert answer.status_code == 409
    shown = answer.content.decode()
    assert "You cannot buy this lead now. You were not charged." in shown
    assert "Open the wallet" in shown
    assert not Assignment.objects.filter(lead=offer.lead).exists()


def test_viewer_sees_offers_and_claims_none(offer: Offer) -> None:
    buyer = Buyer.objects.get(pk=buyers_of(offer.campaign)[0])
    viewer = signed_in(PortalUserFactory(buyer=buyer, role="viewer"))
    assert "A manager of" in text(viewer, page_of(offer))
    assert viewer.post(page_of(offer)).status_code == 403
    assert not Assignment.objects.filter(lead=offer.lead).exists()


def test_offer_of_others_is_not_found(offer: Offer) -> None:
    stranger = signed_in(PortalUserFactory())
    assert stranger.get(page_of(offer)).status_code == 404
    assert stranger.post(page_of(offer)).status_code == 404
    assert str(offer.public_id) not in text(stranger, "/portal/offers/?state=all")


@pytest.mark.parametrize("state", ["other", "' OR 1=1"])
def test_unknown_state_is_not_found(state: str, offer: Offer) -> None:
    [first, *_] = people(offer)
    assert first.get("/portal/offers/", {"state": state}).status_code == 404


def test_missed_leads_speak_to_the_buyer_and_are_filtered_by_what_occurs(offer: Offer) -> None:
    _, late, idle = (Buyer.objects.get(pk=buyer_id) for buyer_id in buyers_of(offer.campaign))
    at = offer.opened_at + timedelta(seconds=2)
    claim_offer(offer.public_id, buyer_id=buyers_of(offer.campaign)[0], at=at)
    with pytest.raises(Taken):
        claim_offer(offer.public_id, buyer_id=late.pk, at=at + timedelta(milliseconds=85))
    person = signed_in(PortalUserFactory(buyer=late))

    listed = person.get("/portal/missed/")
    detail = person.get(f"/portal/missed/{offer.lead.public_id}/").content.decode()

    said = "Your claim came 85 ms after other buyers had claimed the lead."
    page = listed.content.decode()
    assert said in page
    assert said in detail
    assert listed.context["groups"] == [("Offers", [("claim_lost", "Another buyer claimed it first")])]
    assert (
        '<optgroup label="Offers"><option value="claim_lost">Another buyer claimed it first</option>' in page
    )
    other = signed_in(PortalUserFactory(buyer=idle)).get("/portal/missed/", {"reason": "outbid"})
    assert other.context["groups"] == [
        ("Offers", [("offer_not_claimed", "You did not claim it")]),
        ("Auctions", [("outbid", "Another bid ranked higher")]),
    ]
    assert '<option value="outbid" selected>' in other.content.decode()
