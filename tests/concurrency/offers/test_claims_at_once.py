"""Many buyers claim one offer at the same moment: the lead's row lock lets one of them have it.

`make chaos ARGS="--part offers"` plays 200 rounds.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from distribution.models import Assignment, LedgerEntry, LedgerKind, Offer
from distribution.offers import claim, ending, places
from distribution.offers.claim import claim_offer
from distribution.offers.refusals import Taken
from routing.leads import finish
from routing.locks import attempts as locks
from routing.models import Lead
from routing.queries import read_clock
from tests.support.claimants import Claimants, claimants
from tests.support.claiming import AT_ONCE, crowded_campaign, play_round
from tests.support.offers import assert_everything_holds, buyers_of, offering_campaign, open_offer_of
from tests.support.racing import race

pytestmark = pytest.mark.usefixtures("committed_db")

ROUNDS = 10
COMPARISON = "AND status = 'offered' AND attempts = %(attempts)s - 1"
assert COMPARISON in finish.CLOSE_CLAIM
NO_COMPARISON = finish.CLOSE_CLAIM.replace(COMPARISON, "")
NO_LEAD_LOCK = locks.LOCK_LEAD.replace("FOR NO KEY UPDATE OF l SKIP LOCKED", "")
NO_PLACE_LOCK = places.LOCK.replace("FOR NO KEY UPDATE OF o, b", "")
# Without the offer's own count, which a constraint keeps within its places.
NO_COUNT = "UPDATE distribution_offer SET claims = claims WHERE id = %(offer)s RETURNING 1, false"


@pytest.fixture
def crowd(committed_db: None) -> Iterator[Claimants]:  # noqa: ARG001 - their connections end before it is emptied
    with claimants(AT_ONCE) as found:
        yield found


def test_two_hundred_claims_have_one_winner_each_time(crowd: Claimants) -> None:
    campaign = crowded_campaign()
    for number in range(ROUNDS):
        played = play_round(campaign, crowd, seed=number)
        assert played.broken == []
    assert (Assignment.objects.count(), charges()) == (ROUNDS, ROUNDS)
    assert_everything_holds()


def charges() -> int:
    return LedgerEntry.objects.filter(kind=LedgerKind.CHARGE).count()


def try_to_claim(offer: Offer, buyer_id: int) -> str:
    try:
        return "won" if claim_offer(offer.public_id, buyer_id=buyer_id).is_new else "had"
    except Taken:
        return "taken"


def test_shared_offer_has_as_many_winners_as_places(monkeypatch: pytest.MonkeyPatch) -> None:
    # On a busy machine, thirty claims in one process may take longer than the product lets one wait.
    monkeypatch.setattr(claim, "TURNS_MS", (500,) * 120)
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

    def read_and_wait(*given: Any, **arguments: Any) -> Any:
        facts = read_claimant(*given, **arguments)
        both_have_read.wait()
        return facts

    monkeypatch.setattr(claim, "read_claimant", read_and_wait)
    return race([partial(try_to_claim, offer, each) for each in buyers])


def test_without_the_locks_two_buyers_get_an_exclusive_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = offering_campaign(buyers=2)
    offer = open_offer_of(campaign, at=read_clock())
    monkeypatch.setattr(claim, "wait_for_lead", lambda _, **__: "offered")
    monkeypatch.setattr(locks, "LOCK_LEAD", NO_LEAD_LOCK)
    monkeypatch.setattr(places, "LOCK", NO_PLACE_LOCK)
    monkeypatch.setattr(ending, "CLAIMED", NO_COUNT)
    monkeypatch.setattr(finish, "CLOSE_CLAIM", NO_COMPARISON)
    assert claim_together(monkeypatch, offer, buyers_of(campaign)) == ["won", "won"]
    assert (Assignment.objects.count(), charges()) == (2, 2)
