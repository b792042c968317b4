"""A claim that lost learns it although another transaction holds the lead."""

from collections.abc import Iterator

import pytest

from distribution.models import Offer, OfferBuyer
from distribution.offers import claim as claiming
from distribution.offers.claim import claim_offer
from distribution.offers.refusals import ClaimBusy, ClaimRefused, Taken, WindowOver
from routing.locks.attempts import wait_for_lead
from routing.queries import read_clock
from tests.support.offers import buyers_of, offering_campaign, open_offer_of
from tests.support.racing import in_background, open_transaction
from tests.support.waiting import wait_until_blocked

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def offer(committed_db: None) -> Offer:  # noqa: ARG001
    return open_offer_of(offering_campaign(buyers=2), at=read_clock())


@pytest.fixture
def held(offer: Offer) -> Iterator[None]:
    """Another transaction holds the lead during the whole test."""
    with open_transaction(lambda: wait_for_lead(offer.lead_id)):
        yield


def first_buyer(offer: Offer) -> int:
    return buyers_of(offer.campaign)[0]


def end(offer: Offer, *, reason: str) -> None:
    Offer.objects.filter(pk=offer.pk).update(state="closed", closed_at=read_clock(), end_reason=reason)


def refused(offer: Offer) -> str:
    with pytest.raises(ClaimRefused) as refusal:
        claim_offer(offer.public_id, buyer_id=first_buyer(offer))
    return refusal.value.code


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim waits in more turns than on a busy machine pass before the test ends the offer."""
    monkeypatch.setattr(claiming, "TURNS_MS", (100,) * 600)


@pytest.mark.usefixtures("held", "patient")
@pytest.mark.parametrize(("reason", "code"), [("claimed", "taken"), ("window_over", "window_over")])
def test_waiting_claim_is_refused_when_the_offer_ends(offer: Offer, reason: str, code: str) -> None:
    with in_background(lambda: refused(offer)) as claim:
        wait_until_blocked()
        end(offer, reason=reason)
    assert claim.result() == code
    assert OfferBuyer.objects.get(buyer_id=first_buyer(offer)).lost_reason == code


@pytest.mark.usefixtures("held")
def test_claim_of_an_ended_offer_waits_for_no_lock(offer: Offer) -> None:
    end(offer, reason="claimed")
    with pytest.raises(Taken):
        claim_offer(offer.public_id, buyer_id=first_buyer(offer))


@pytest.mark.usefixtures("held")
def test_claim_after_the_time_waits_for_no_lock(offer: Offer) -> None:
    with pytest.raises(WindowOver):
        claim_offer(offer.public_id, buyer_id=first_buyer(offer), at=offer.closes_at)


@pytest.mark.usefixtures("held")
def test_claim_of_a_lead_that_stays_locked_is_busy(offer: Offer) -> None:
    with pytest.raises(ClaimBusy):
        claim_offer(offer.public_id, buyer_id=first_buyer(offer))
    assert OfferBuyer.objects.filter(lost_reason="").count() == 2


def test_repeated_claim_of_the_winner_waits_for_no_lock(offer: Offer) -> None:
    won = claim_offer(offer.public_id, buyer_id=first_buyer(offer))
    with open_transaction(lambda: wait_for_lead(offer.lead_id)):
        again = claim_offer(offer.public_id, buyer_id=first_buyer(offer))
    assert (again.assignment_id, again.is_new) == (won.assignment_id, False)
