"""Many buyers claim one offer at the same moment: the lead's row lock lets one of them have it."""

import threading
from collections import Counter
from functools import partial

import pytest

from distribution.models import Assignment, LedgerEntry, LedgerKind, Offer, OfferBuyer
from distribution.offers import claim, ending, places
from distribution.offers.claim import claim_offer
from distribution.offers.refusals import ClaimBusy, Taken
from routing.leads import finish
from routing.locks import attempts as locks
from routing.models import Lead
from routing.queries import read_clock
from tests.support.offers import assert_everything_holds, buyers_of, offering_campaign, open_offer_of
from tests.support.racing import race
from tracing.models import Attempt

pytestmark = pytest.mark.usefixtures("committed_db")

BUYERS = 100
ROUNDS = 3
MAX_CLAIMS = 5
COMPARISON = "AND status = 'offered' AND attempts = %(attempts)s - 1"
assert COMPARISON in finish.CLOSE_CLAIM
NO_COMPARISON = finish.CLOSE_CLAIM.replace(COMPARISON, "")
NO_LEAD_LOCK = locks.LOCK_LEAD.replace("FOR NO KEY UPDATE OF l SKIP LOCKED", "")
NO_PLACE_LOCK = places.LOCK.replace("FOR NO KEY UPDATE OF o, b", "")
# Without the offer's own count, which a constraint keeps within its places.
NO_COUNT = "UPDATE distribution_offer SET claims = claims WHERE id = %(offer)s RETURNING 1, false"


def try_to_claim(offer: Offer, buyer_id: int) -> str:
    """On a busy machine the last of 200 claims may wait longer than lock_timeout. It is repeated, as a client does."""
    for _ in range(MAX_CLAIMS):
        try:
            return "won" if claim_offer(offer.public_id, buyer_id=buyer_id).is_new else "had"
        except Taken:
            return "taken"
        except ClaimBusy:
            continue
    return "busy"


def charges() -> int:
    return LedgerEntry.objects.filter(kind=LedgerKind.CHARGE).count()


def test_two_hundred_claims_have_one_winner() -> None:
    """Each of 100 buyers sends its claim twice at once. The winner's other claim is the same sale."""
    campaign = offering_campaign(buyers=BUYERS)
    buyers = buyers_of(campaign)
    for number in range(1, ROUNDS + 1):
        offer = open_offer_of(campaign, at=read_clock())
        results = Counter(race([partial(try_to_claim, offer, buyer_id) for buyer_id in buyers * 2]))
        assert results == {"won": 1, "had": 1, "taken": 2 * (BUYERS - 1)}
        assert (Assignment.objects.count(), charges()) == (number, number)
        assert OfferBuyer.objects.filter(offer=offer, claimed_at__isnull=False).count() == 1
        assert OfferBuyer.objects.filter(offer=offer, lost_reason="taken").count() == BUYERS - 1
        assert Attempt.objects.filter(lead_id=offer.lead_id).count() == 2
    assert_everything_holds()


def test_shared_offer_has_as_many_winners_as_places() -> None:
    campaign = offering_campaign(buyers=30, max_buyers=4)
    offer = open_offer_of(campaign, at=read_clock())
    results = Counter(race([partial(try_to_claim, offer, each) for each in buyers_of(campaign)]))
    assert results == {"won": 4, "taken": 26}
    assert (Assignment.objects.count(), charges()) == (4, 4)
    assert Lead.objects.get().status == "distributed"
    assert_everything_holds()


def claim_together(monkeypatch: pytest.MonkeyPatch, offer: Offer, buyers: list[int]) -> list[str]:
    """Two buyers both read that the lead is free before either is charged."""
    both_have_read = threading.Barrier(2, timeout=60)
    read_claimant = claim.read_claimant

    def read_and_wait(*given: object, **arguments: object) -> object:
        facts = read_claimant(*given, **arguments)  # type: ignore[arg-type]
        both_have_read.wait()
        return facts

    monkeypatch.setattr(claim, "read_claimant", read_and_wait)
    return race([partial(try_to_claim, offer, each) for each in buyers])


def test_without_the_locks_two_buyers_get_an_exclusive_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = offering_campaign(buyers=2)
    offer = open_offer_of(campaign, at=read_clock())
    monkeypatch.setattr(claim, "wait_for_lead", lambda _: "offered")
    monkeypatch.setattr(locks, "LOCK_LEAD", NO_LEAD_LOCK)
    monkeypatch.setattr(places, "LOCK", NO_PLACE_LOCK)
    monkeypatch.setattr(ending, "CLAIMED", NO_COUNT)
    monkeypatch.setattr(finish, "CLOSE_CLAIM", NO_COMPARISON)
    assert claim_together(monkeypatch, offer, buyers_of(campaign)) == ["won", "won"]
    assert (Assignment.objects.count(), charges()) == (2, 2)
