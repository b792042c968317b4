"""Buyers' systems are asked at once, and answer as they like. The systems are processes."""

import json
from datetime import timedelta
from typing import Any

import pytest

from distribution.attempts.distribute import distribute_lead, distribute_next_due
from distribution.deliveries.bidding import bidder as bidder_module
from distribution.deliveries.bidding.pool import TOO_MANY
from distribution.models import Assignment, Enrollment, OfferBuyer
from routing.leads.actions import cancel_lead
from routing.models import Lead
from routing.places.zips import load_rows
from routing.queries import read_clock
from tests.receivers.running import Receiver
from tests.support.auctions import asking, auction_campaign, auction_of, auctioned_lead, bidder, bids_of
from tests.support.factories import SourceFactory
from tests.support.offers import assert_everything_holds
from tests.support.pinging import PingingSource
from tests.support.waiting import wait_until
from tracing.models import LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")

# Enough for every answer on a slow machine; and so short that a test may wait for it.
PATIENT_MS, HASTY_MS = 10_000, 2_000
DISPATCHED_AFTER = timedelta(seconds=1)


@pytest.fixture(autouse=True, scope="module")
def _places() -> None:
    """The first attempt of a process reads them, which would use up the time of its auction."""
    load_rows()


def wait_for_end(lead: Lead) -> Lead:
    """On a busy machine the asker may close the auction too late. The lead is overdue then: the dispatcher runs it."""

    def is_over() -> bool:
        lead.refresh_from_db()
        if lead.status == "offered" and lead.next_attempt_at < read_clock() - DISPATCHED_AFTER:
            distribute_lead(lead.pk)
            lead.refresh_from_db()
        return lead.status != "offered"

    wait_until(is_over, what="the end of the auction")
    return lead


def wait_for_closer(lead: Lead, closed: list[int]) -> None:
    """The deadline is so late that only the asker ends the auction: no dispatcher runs here."""
    wait_until(lambda: lead.pk in closed, what="the asker closes the auction")
    lead.refresh_from_db()
    assert lead.status == "distributed"


def wait_for_answers(lead: Lead) -> None:
    wait_until(
        lambda: not OfferBuyer.objects.filter(offer__lead=lead, bid_outcome="").exists(), what="every answer"
    )


def seconds_of(lead: Lead) -> float:
    auction = auction_of(lead)
    return (auction.closed_at - auction.opened_at).total_seconds()


def winner_of(lead: Lead) -> tuple[int, int]:
    sale = Assignment.objects.get(lead=lead)
    return sale.buyer_id, sale.price_cents


def enroll(campaign: Any, receiver: Receiver, *behaviors: str, **columns: Any) -> list[Enrollment]:
    return [bidder(campaign, url=receiver.url(each), **columns) for each in behaviors]


def test_best_bid_wins_and_nobody_gets_contact_data(receiver: Receiver) -> None:
    campaign = auction_campaign(bid_deadline_ms=PATIENT_MS)
    low, high, declining = enroll(campaign, receiver, "bid/31.50/50", "bid/45.00/100", "decline")
    lead = auctioned_lead(campaign, first_name="Maria", email="maria@example.com", phone="+14045550123")
    with asking() as closed:
        wait_for_closer(lead, closed)
    assert winner_of(lead) == (high.buyer_id, 4_500)
    assert bids_of(lead, "bid_outcome", "bid_cents", "bid_id", "bid_reason") == {
        low.buyer_id: ["bid", 3_150, "B-31.50", ""],
        high.buyer_id: ["bid", 4_500, "B-45.00", ""],
        declining.buyer_id: ["no_bid", None, "", "not this week"],
    }
    assert auction_of(lead).end_reason == "bids_in"
    assert seconds_of(lead) < PATIENT_MS / 1000, "it does not wait for the deadline"
    bodies = [json.loads(each.body or b"") for each in receiver.received()]
    assert len(bodies) == 3
    for body in bodies:
        assert (body["zip3"], body["state"], body["attributes"]) == ("303", "GA", {"roof_age": 12})
        assert not {"first_name", "last_name", "email", "phone", "address"} & body.keys()
        assert not any(secret in json.dumps(body) for secret in ("Maria", "maria@", "4045550123"))
    assert_everything_holds()


def test_answers_that_are_no_bids(receiver: Receiver) -> None:
    """A system that names absurd prices, one that fails, one that hangs. The lead is sold at the deadline."""
    campaign = auction_campaign(bid_deadline_ms=HASTY_MS)
    behaviors = (
        *("bid/-1", "bid/NaN", "bid/1e400", "bid/1000000", "bid/0"),
        *("status/503", "malformed", "lose", "redirect/http%3A%2F%2F127.0.0.1%2F"),
    )
    liars = enroll(campaign, receiver, *behaviors)
    honest = bidder(campaign, url=receiver.url("bid/12.00/20"))
    lead = auctioned_lead(campaign)
    with asking(threads=12):
        wait_for_end(lead)
        assert winner_of(lead) == (honest.buyer_id, 1_200)
        assert seconds_of(lead) >= HASTY_MS / 1000
        wait_for_answers(lead)
    outcomes = bids_of(lead, "bid_outcome")
    assert [outcomes[each.buyer_id] for each in liars] == [
        *("refused", "refused", "refused", "refused", "no_bid"),
        *("error", "error", "timeout", "error"),
    ]
    assert bids_of(lead, "bid_cents")[liars[3].buyer_id] is None
    assert_everything_holds()


def test_late_bid_is_logged_and_never_wins(receiver: Receiver) -> None:
    campaign = auction_campaign(bid_deadline_ms=HASTY_MS)
    late, early = enroll(campaign, receiver, f"bid/99.00/{HASTY_MS + 500}", "bid/10.00/50")
    lead = auctioned_lead(campaign)
    with asking():
        wait_for_end(lead)
        assert winner_of(lead) == (early.buyer_id, 1_000)
        wait_for_answers(lead)
    cents, outcome, latency_ms, rank = bids_of(lead, "bid_cents", "bid_outcome", "latency_ms", "rank")[
        late.buyer_id
    ]
    assert (cents, outcome, rank) == (9_900, "late", None)
    assert latency_ms >= HASTY_MS + 500
    assert winner_of(lead) == (early.buyer_id, 1_000)


def test_bid_that_comes_after_the_asker_gave_up_is_no_bid(receiver: Receiver) -> None:
    """It waits two seconds beyond the deadline, to say how late a bid was. What comes later is no answer in time."""
    campaign = auction_campaign(bid_deadline_ms=HASTY_MS)
    behaviors = (f"bid/80.00/{HASTY_MS + 1_000}", f"bid/99.00/{HASTY_MS + 6_000}", "bid/10.00")
    late, hopeless, early = enroll(campaign, receiver, *behaviors)
    lead = auctioned_lead(campaign)
    with asking():
        wait_for_end(lead)
        closed_at = auction_of(lead).closed_at
        wait_for_answers(lead)
    found = bids_of(lead, "bid_cents", "bid_outcome", "latency_ms", "bid_at", "rank")
    assert found[late.buyer_id][:2] == [8_000, "late"]
    assert found[late.buyer_id][2] >= HASTY_MS + 1_000, "its true latency"
    assert found[late.buyer_id][3] > closed_at, "it came after the auction had closed"
    cents, outcome, latency_ms, bid_at, rank = found[hopeless.buyer_id]
    assert (cents, outcome, bid_at, rank) == (None, "timeout", None, None)
    assert HASTY_MS <= latency_ms < HASTY_MS + 6_000
    assert winner_of(lead) == (early.buyer_id, 1_000)
    events = LeadDistributionEvent.objects.filter(event="bid_received", buyer_id=late.buyer_id)
    # What the attempt knew when it closed the auction: on a busy machine that was not the asker's.
    assert events.get().data["outcome"] in ("timeout", "unknown")


def test_bid_in_time_is_late_if_the_auction_has_closed(receiver: Receiver) -> None:
    """An operator has canceled the lead by then: the bid is stored with its latency, and wins nothing."""
    campaign = auction_campaign(bid_deadline_ms=PATIENT_MS)
    asked = bidder(campaign, url=receiver.url("bid/20.00/700"))
    lead = auctioned_lead(campaign)
    with asking():
        wait_until(lambda: bids_of(lead, "asked_at")[asked.buyer_id] is not None, what="the question")
        assert cancel_lead(lead.pk, at=read_clock(), reason="sold elsewhere")
        wait_for_answers(lead)
    cents, outcome, latency_ms = bids_of(lead, "bid_cents", "bid_outcome", "latency_ms")[asked.buyer_id]
    assert (cents, outcome) == (2_000, "late")
    assert latency_ms >= 700
    assert not Assignment.objects.exists()


def test_dispatcher_closes_what_the_asker_left() -> None:
    """The asker marked its buyers and died. The lead is due by itself, and serving due leads closes it."""
    campaign = auction_campaign()
    bidder(campaign, url="https://bids.example.com/ping")
    standing = bidder(campaign, bid_cents=1_000)
    lead = auctioned_lead(campaign)
    OfferBuyer.objects.filter(offer__lead=lead, bid_outcome="").update(asked_at=read_clock())
    wait_until(lambda: distribute_next_due().lead_id == lead.pk, what="the lead comes up by itself")
    assert winner_of(lead) == (standing.buyer_id, 1_000)
    assert auction_of(lead).end_reason == "window_over"


def test_hanging_system_holds_only_as_many_threads_as_its_endpoint_allows(receiver: Receiver) -> None:
    campaign = auction_campaign(bid_deadline_ms=HASTY_MS)
    hanging = bidder(campaign, url=receiver.url("lose"), endpoint={"max_in_flight": 1})
    quick = bidder(campaign, url=receiver.url("bid/10.00/10"))
    with asking(threads=3):
        leads = [auctioned_lead(campaign) for _ in range(4)]
        for lead in leads:
            wait_for_end(lead)
            assert winner_of(lead) == (quick.buyer_id, 1_000)
        for lead in leads:
            wait_for_answers(lead)
    rows = OfferBuyer.objects.filter(enrollment=hanging)
    found = [(each.bid_outcome, each.bid_reason, each.asked_at is not None) for each in rows]
    assert sorted(found) == [("error", TOO_MANY, False)] * 3 + [("timeout", "", True)]


def test_test_lead_asks_test_addresses_only(receiver: Receiver) -> None:
    campaign = auction_campaign(bid_deadline_ms=PATIENT_MS)
    asked = bidder(campaign, url=receiver.url("bid/20.00"))
    live_only = bidder(campaign, url=receiver.url("bid/90.00"), endpoint={"test_url": ""})
    lead = auctioned_lead(campaign, is_test=True)
    with asking() as closed:
        wait_for_closer(lead, closed)
    assert winner_of(lead) == (asked.buyer_id, 2_000)
    assert bids_of(lead, "bid_outcome", "bid_reason")[live_only.buyer_id] == ["error", "no test URL"]
    assert len(receiver.received()) == 1
    assert_everything_holds()


def test_sender_that_waits_gets_the_end_of_the_auction(receiver: Receiver) -> None:
    campaign = auction_campaign(bid_deadline_ms=PATIENT_MS)
    bidder(campaign, url=receiver.url("bid/20.00/300"))
    sender = PingingSource(SourceFactory(workspace=campaign.workspace))
    with asking():
        waited = sender.post_lead(None, wait_seconds=20).json()
        impatient = sender.post_lead(None, wait_seconds=1, email="bob@example.com").json()
    assert (waited["status"], waited["buyers"]) == ("distributed", 1)
    assert impatient["status"] == "offered"


def test_notification_wakes_the_asker(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it no buyer would be asked: the asker does not look by itself."""
    monkeypatch.setattr(bidder_module, "POLL_SECONDS", 3_600.0)
    campaign = auction_campaign(bid_deadline_ms=PATIENT_MS)
    asked = bidder(campaign, url=receiver.url("bid/20.00"))
    with asking() as closed:
        for _ in range(2):
            lead = auctioned_lead(campaign)
            wait_for_closer(lead, closed)
            assert winner_of(lead) == (asked.buyer_id, 2_000)
