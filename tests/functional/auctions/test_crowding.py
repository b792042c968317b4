"""More questions than threads or requests: whose auctions wait, whose do not, and which are opened again."""

import pytest

from distribution.attempts.distribute import distribute_lead
from distribution.deliveries.bidding.admission import Admission
from distribution.deliveries.bidding.pool import NO_TIME, TOO_MANY
from distribution.models import Assignment, Campaign, Enrollment, OfferBuyer
from routing.models import Lead
from routing.places.zips import load_rows
from tests.receivers.running import Receiver
from tests.support.auctions import asking, auction_campaign, auctioned_lead, bidder
from tests.support.holds import attempts_of
from tests.support.offers import assert_everything_holds
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("committed_db")

# Longer than a test takes; enough for every answer on a slow machine; and so short that a test may wait for it.
ENDLESS_MS, PATIENT_MS, HASTY_MS = 10_000, 10_000, 2_000
# One answer comes in time, and none after it.
SLOW_MS, ONE_ANSWER_MS = 2_800, 4_000
THREADS = 2


@pytest.fixture(autouse=True, scope="module")
def _places() -> None:
    """The first attempt of a process reads them, which would use up the time of its auction."""
    load_rows()


def wait_for_closers(leads: list[Lead], closed: list[int]) -> None:
    wait_until(lambda: {each.pk for each in leads} <= set(closed), what="the asker closes the auctions")
    for each in leads:
        each.refresh_from_db()


def wait_for_answers(lead: Lead) -> None:
    wait_until(
        lambda: not OfferBuyer.objects.filter(offer__lead=lead, bid_outcome="").exists(), what="every answer"
    )


def hang(receiver: Receiver, *, requests: int) -> list[Lead]:
    """A workspace whose buyers' systems hang. Returns when that many requests hang."""
    campaign = auction_campaign(bid_deadline_ms=ENDLESS_MS)
    for _ in range(3):
        bidder(campaign, url=receiver.url("lose"))
    leads = [auctioned_lead(campaign) for _ in range(2)]
    receiver.wait_for(requests, "lose")
    return leads


def place_of(lead: Lead, enrollment: Enrollment) -> OfferBuyer:
    return OfferBuyer.objects.filter(offer__lead=lead, enrollment=enrollment).latest("pk")


def with_slow_buyer(receiver: Receiver) -> tuple[Campaign, Enrollment]:
    campaign = auction_campaign(bid_deadline_ms=ONE_ANSWER_MS)
    url = receiver.url(f"bid/90.00/{SLOW_MS}")
    return campaign, bidder(campaign, url=url, endpoint={"max_in_flight": 1})


def test_hanging_systems_of_one_workspace_hold_up_no_other_one(receiver: Receiver) -> None:
    healthy = auction_campaign(bid_deadline_ms=PATIENT_MS)
    winner = bidder(healthy, url=receiver.url("bid/44.00/20"))
    with asking(threads=THREADS) as closed:
        hanging = hang(receiver, requests=THREADS)
        leads = [auctioned_lead(healthy) for _ in range(3)]
        wait_for_closers(leads, closed)
        for each in hanging:
            each.refresh_from_db()
    assert [each.status for each in leads] == ["distributed"] * 3
    assert set(Assignment.objects.values_list("buyer_id", "price_cents")) == {(winner.buyer_id, 4_400)}
    assert [each.status for each in hanging] == ["offered", "offered"], "they still hang"
    assert len(receiver.received("lose")) == THREADS


def test_without_the_bound_they_fail_the_auctions_of_others(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control. The lead is not lost: no system was asked, so it is tried again."""
    monkeypatch.setattr(Admission, "_has_thread", lambda self, _request: self.free > 0)
    healthy = auction_campaign(bid_deadline_ms=HASTY_MS)
    unasked = bidder(healthy, url=receiver.url("bid/44.00/20"))
    with asking(threads=THREADS) as closed:
        hang(receiver, requests=2 * THREADS)
        lead = auctioned_lead(healthy)
        wait_for_closers([lead], closed)
    place = place_of(lead, unasked)
    assert (place.bid_outcome, place.bid_reason, place.asked_at, place.latency_ms) == (
        *("error", NO_TIME),
        *(None, None),
    )
    assert attempts_of(lead)[-1][1:3] == ("retry", "buyers_not_asked")
    assert receiver.received("bid") == []


def test_burst_waits_for_its_turn_at_a_healthy_system(receiver: Receiver) -> None:
    campaign = auction_campaign(bid_deadline_ms=PATIENT_MS)
    url = receiver.url("bid/90.00/50")
    asked = bidder(campaign, url=url, endpoint={"max_in_flight": 1})
    with asking() as closed:
        leads = [auctioned_lead(campaign) for _ in range(6)]
        wait_for_closers(leads, closed)
    assert [each.status for each in leads] == ["distributed"] * 6
    assert set(Assignment.objects.values_list("buyer_id", "price_cents")) == {(asked.buyer_id, 9_000)}
    assert_everything_holds()


def test_auction_whose_turn_does_not_come_is_opened_again(receiver: Receiver) -> None:
    """The second question would be answered after the deadline: it is not asked."""
    campaign, asked = with_slow_buyer(receiver)
    with asking() as closed:
        leads = [auctioned_lead(campaign) for _ in range(2)]
        wait_for_closers(leads, closed)
        [late] = [each for each in leads if each.status == "pending"]
        place = place_of(late, asked)
        assert (place.bid_outcome, place.bid_reason, place.asked_at) == ("error", TOO_MANY, None)
        assert attempts_of(late)[-1][1:3] == ("retry", "buyers_not_asked")
        closed.clear()
        assert distribute_lead(late.pk, at=late.next_attempt_at).result == "offered"
        wait_for_closers([late], closed)
    assert late.status == "distributed"
    assert set(Assignment.objects.values_list("lead_id", "buyer_id")) == {
        (each.pk, asked.buyer_id) for each in leads
    }
    assert_everything_holds()


def test_others_that_were_asked_decide_the_auction(receiver: Receiver) -> None:
    """One buyer is not asked for lack of a request, and is reported so. The other one declined."""
    campaign, busy = with_slow_buyer(receiver)
    declining = bidder(campaign, url=receiver.url("decline"))
    with asking() as closed:
        leads = [auctioned_lead(campaign) for _ in range(2)]
        wait_for_closers(leads, closed)
        for each in leads:
            wait_for_answers(each)
    [unsold] = [each for each in leads if each.status != "distributed"]
    assert (unsold.status, unsold.skip_reason) == ("failed", "no_bids")
    assert place_of(unsold, busy).asked_at is None
    assert place_of(unsold, declining).asked_at is not None
