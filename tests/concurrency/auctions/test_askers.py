"""Several askers, and one that is killed: each buyer is asked once, and a bid counts or is late, never both."""

import threading
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.deliveries.bidding.claim import Targets, claim_auctions
from distribution.deliveries.bidding.writing import Answered, make_due, write_bids
from distribution.deliveries.payloads.bids import BidOutcome, BidReading
from distribution.models import Assignment, Deliverer, Enrollment, Offer, OfferBuyer
from routing.models import Lead
from routing.places.zips import load_rows
from tests.receivers.running import Receiver
from tests.support.auctions import auction_campaign, auction_of, auctioned_lead, bidder, bids_of, close
from tests.support.offers import assert_everything_holds
from tests.support.processes import deliverer
from tests.support.racing import before_its_commit, in_background, race
from tests.support.waiting import LONGEST_SECONDS, wait_until, wait_until_blocked

pytestmark = pytest.mark.usefixtures("committed_db")

PATIENT_MS = 10_000
ASKED = "https://bids.example.com/ping"
# Finds what is to be asked, and marks it in a second statement.
UNMARKED = "SELECT id FROM distribution_offerbuyer WHERE bid_outcome = '' AND asked_at IS NULL"
MARK = "UPDATE distribution_offerbuyer SET asked_at = clock_timestamp() WHERE id = ANY(%s)"


@pytest.fixture(autouse=True, scope="module")
def _places() -> None:
    load_rows()


def answered(row: OfferBuyer, cents: int) -> Answered:
    reading = BidReading(outcome=BidOutcome.BID, cents=cents)
    return Answered(
        id=row.pk, offer_id=row.offer_id, reading=reading, at=timezone.now(), latency_ms=5, is_late=False
    )


def test_each_buyer_is_asked_once_by_many_askers() -> None:
    campaign = auction_campaign(bid_deadline_ms=PATIENT_MS)
    for _ in range(5):
        bidder(campaign, url=ASKED)
    for _ in range(4):
        auctioned_lead(campaign)
    found = race([lambda: claim_auctions(Targets()) for _ in range(6)])
    asked = [question.id for questions in found for question in questions]
    assert sorted(asked) == sorted(OfferBuyer.objects.values_list("pk", flat=True))
    assert len(asked) == len(set(asked)) == 20


def test_without_the_mark_in_one_statement_buyers_are_asked_twice() -> None:
    """The control: looking and marking apart."""
    campaign = auction_campaign(bid_deadline_ms=PATIENT_MS)
    bidder(campaign, url=ASKED)
    auctioned_lead(campaign)
    both_have_looked = threading.Barrier(2)

    def ask() -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute(UNMARKED)
            found = [pk for (pk,) in cursor.fetchall()]
            both_have_looked.wait(LONGEST_SECONDS)
            cursor.execute(MARK, [found])
        return found

    first, second = race([ask, ask])
    assert first == second
    assert len(first) == 1


def test_bid_that_is_being_written_counts_when_the_auction_closes() -> None:
    """The attempt that closes the auction waits for it."""
    campaign = auction_campaign(bid_deadline_ms=PATIENT_MS)
    one = bidder(campaign, url=ASKED)
    lead = auctioned_lead(campaign)
    row = OfferBuyer.objects.get()
    with (
        before_its_commit(lambda: write_bids([answered(row, 4_000)])) as commit,
        in_background(lambda: close(lead)) as closing,
    ):
        wait_until_blocked()
        assert not closing.done()
        commit()
        assert closing.result(LONGEST_SECONDS).result == "success"
    assert Assignment.objects.get().price_cents == 4_000
    assert bids_of(lead, "bid_outcome", "rank") == {one.buyer_id: ["bid", 1]}


def mark_asked(lead: Lead) -> None:
    """As an asker does before it sends: without that the auction would be opened again."""
    OfferBuyer.objects.filter(offer=auction_of(lead), bid_outcome="").update(asked_at=timezone.now())


def test_bid_that_waits_for_the_closing_is_late() -> None:
    campaign = auction_campaign(bid_deadline_ms=PATIENT_MS)
    slow, quick = bidder(campaign, url=ASKED), bidder(campaign, bid_cents=1_000)
    lead = auctioned_lead(campaign)
    mark_asked(lead)
    row = OfferBuyer.objects.get(buyer=slow.buyer)
    assert close(lead).result == "success"
    assert write_bids([answered(row, 9_000)]) == [BidOutcome.LATE]
    assert Assignment.objects.get().buyer_id == quick.buyer_id
    assert bids_of(lead, "bid_outcome", "bid_cents", "rank")[slow.buyer_id] == ["late", 9_000, None]
    assert_everything_holds()


def test_bid_that_is_written_while_the_auction_closes_is_late() -> None:
    """It reads the state after it has waited, and not as its statement began."""
    campaign = auction_campaign(bid_deadline_ms=PATIENT_MS)
    bidder(campaign, url=ASKED)
    auctioned_lead(campaign)
    row = OfferBuyer.objects.get()

    def close_and_rank() -> None:
        ended = {"state": "closed", "closed_at": timezone.now(), "end_reason": "window_over"}
        assert Offer.objects.filter(pk=row.offer_id, state="open").update(**ended) == 1
        OfferBuyer.objects.filter(pk=row.pk).update(rank=1)

    with (
        before_its_commit(close_and_rank) as commit,
        in_background(lambda: write_bids([answered(row, 9_000)])) as writing,
    ):
        wait_until_blocked()
        assert not writing.done()
        commit()
        assert writing.result(LONGEST_SECONDS) == [BidOutcome.LATE]
    row.refresh_from_db()
    assert (row.bid_outcome, row.bid_cents, row.rank) == ("late", 9_000, 1)


def test_answer_is_written_once() -> None:
    campaign = auction_campaign(bid_deadline_ms=PATIENT_MS)
    bidder(campaign, url=ASKED)
    auctioned_lead(campaign)
    row = OfferBuyer.objects.get()
    assert write_bids([answered(row, 4_000)]) == [BidOutcome.BID]
    assert write_bids([answered(row, 9_000)]) == []
    row.refresh_from_db()
    assert row.bid_cents == 4_000


def test_closed_auction_makes_no_lead_due() -> None:
    campaign = auction_campaign(bid_deadline_ms=PATIENT_MS, offer_fallback="unsold")
    bidder(campaign, url=ASKED)
    lead = auctioned_lead(campaign)
    offer = auction_of(lead)
    mark_asked(lead)
    assert make_due(lead.pk, offer_id=offer.pk)
    assert not make_due(lead.pk, offer_id=offer.pk), "it is due already"
    assert distribute_lead(lead.pk).result == "unsold"
    assert not make_due(lead.pk, offer_id=offer.pk)


def asked_bidders(receiver: Receiver) -> list[Enrollment]:
    campaign = auction_campaign(bid_deadline_ms=PATIENT_MS)
    return [bidder(campaign, url=receiver.url(each)) for each in ("bid/20.00", "hold")]


def test_killed_asker_leaves_its_written_bids_and_nobody_is_asked_again(
    tmp_path: Path, receiver: Receiver
) -> None:
    """Killed while one buyer has bid and the other has not answered."""
    quick, hanging = asked_bidders(receiver)
    with deliverer(tmp_path) as first:
        wait_until(Deliverer.objects.exists, what="the heartbeat of a deliverer")
        lead = auctioned_lead(quick.campaign)
        receiver.wait_for(1, "hold")
        wait_until(lambda: OfferBuyer.objects.filter(bid_outcome="bid").exists(), what="the first bid")
        first.process.kill()
        first.process.wait(LONGEST_SECONDS)
    receiver.release()
    with deliverer(tmp_path, "second"):
        wait_until(lambda: Deliverer.objects.count() > 1, what="the second deliverer")
        assert close(lead).result == "success", "as the dispatcher does when the auction is over"
    assert len(receiver.received()) == 2, "the second deliverer asked nobody"
    assert Assignment.objects.get().buyer_id == quick.buyer_id
    assert bids_of(lead, "bid_outcome", "rank") == {quick.buyer_id: ["bid", 1], hanging.buyer_id: ["", None]}
    assert_everything_holds()


def test_deliverer_is_woken_by_an_auction_and_sells(tmp_path: Path, receiver: Receiver) -> None:
    campaign = auction_campaign(bid_deadline_ms=PATIENT_MS)
    low, high = (bidder(campaign, url=receiver.url(each)) for each in ("bid/20.00/10", "bid/30.00/30"))
    with deliverer(tmp_path), deliverer(tmp_path, "second"):
        wait_until(lambda: Deliverer.objects.count() == 2, what="both deliverers")
        leads = [auctioned_lead(campaign) for _ in range(5)]
        wait_until(lambda: Assignment.objects.count() == 5, what="five sales")
    assert set(Assignment.objects.values_list("buyer_id", "price_cents")) == {(high.buyer_id, 3_000)}
    assert len(receiver.received()) == 10
    assert all(set(bids_of(lead, "bid_outcome").values()) == {"bid"} for lead in leads)
    assert low.buyer_id != high.buyer_id
