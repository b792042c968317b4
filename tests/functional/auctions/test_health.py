"""What the answers to pings say of a buyer's system, and how one that does not answer stops delaying auctions."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from distribution.deliveries.bidding import bidder as bidder_module
from distribution.deliveries.bidding.health import Health, Probes
from distribution.models import Endpoint, Enrollment
from routing.models import Lead
from routing.places.zips import load_rows
from routing.queries import read_clock
from tests.receivers.running import Receiver
from tests.support.auctions import asking, auction_campaign, auctioned_lead, bidder, bids_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("committed_db")

PATIENT_MS = 10_000
RESTING = timedelta(minutes=6)


@pytest.fixture(autouse=True, scope="module")
def _places() -> None:
    """The first attempt of a process reads them, which would use up the time of its auction."""
    load_rows()


def endpoint_of(enrollment: Enrollment) -> Endpoint:
    return Endpoint.objects.get(buyer=enrollment.buyer)


def version_of(endpoint: Endpoint) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT xmin::text FROM distribution_endpoint WHERE id = %s", [endpoint.pk])
        return str(cursor.fetchone()[0])


def auction_off(campaign: Any, **lead: Any) -> Lead:
    """Returns when every answer is written."""
    made = auctioned_lead(campaign, **lead)
    wait_until(lambda: "" not in bids_of(made, "bid_outcome").values(), what="every answer")
    return made


def wait_for(endpoint: Endpoint, name: str) -> datetime:
    def is_set() -> bool:
        endpoint.refresh_from_db(fields=["last_success_at", "failing_since", "disabled_at"])
        return getattr(endpoint, name) is not None

    wait_until(is_set, what=name)
    found: datetime = getattr(endpoint, name)
    return found


@pytest.mark.parametrize("behavior", ["bid/10.00", "decline", "bid/-1"])
def test_readable_answer_is_a_success_and_is_written_once_a_minute(receiver: Receiver, behavior: str) -> None:
    campaign = auction_campaign(bid_deadline_ms=PATIENT_MS)
    endpoint = endpoint_of(bidder(campaign, url=receiver.url(behavior)))
    began = read_clock()
    with asking():
        auction_off(campaign)
        assert began <= wait_for(endpoint, "last_success_at") <= read_clock()
        version = version_of(endpoint)
        auction_off(campaign)
    assert endpoint.failing_since is None
    assert version_of(endpoint) == version


@pytest.mark.parametrize("behavior", ["status/503", "malformed", "status/404"])
def test_first_failure_is_written_and_the_next_ones_are_not(receiver: Receiver, behavior: str) -> None:
    campaign = auction_campaign(bid_deadline_ms=PATIENT_MS)
    endpoint = endpoint_of(bidder(campaign, url=receiver.url(behavior)))
    with asking():
        auction_off(campaign)
        wait_for(endpoint, "failing_since")
        version = version_of(endpoint)
        auction_off(campaign)
    assert version_of(endpoint) == version
    assert endpoint.last_success_at is None


def test_answer_ends_the_failing(receiver: Receiver) -> None:
    campaign = auction_campaign(bid_deadline_ms=PATIENT_MS)
    endpoint = endpoint_of(bidder(campaign, url=receiver.url("bid/10.00")))
    Endpoint.objects.update(failing_since=read_clock() - RESTING)
    with asking():
        auction_off(campaign)
        wait_for(endpoint, "last_success_at")
    assert endpoint.failing_since is None


def test_system_that_fails_for_minutes_is_asked_rarely(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its standing bid counts instead, and its auctions end without it."""
    monkeypatch.setattr("distribution.deliveries.bidding.health.PROBED_SECONDS", 3_600.0)
    campaign = auction_campaign(bid_deadline_ms=PATIENT_MS)
    silent = bidder(campaign, url=receiver.url("status/503"), bid_cents=1_500)
    Endpoint.objects.update(failing_since=read_clock() - RESTING)
    with asking():
        leads = [auction_off(campaign) for _ in range(3)]
    found = [bids_of(each, "bid_outcome", "bid_reason", "asked_at")[silent.buyer_id] for each in leads]
    assert [each[:2] for each in found] == [
        ["error", "answered 503"],
        ["error", bidder_module.RESTS],
        ["error", bidder_module.RESTS],
    ]
    assert len(receiver.received()) == 1


def test_resting_endpoint_is_probed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = read_now = 100.0
    monkeypatch.setattr("distribution.deliveries.bidding.health.time.monotonic", lambda: read_now)
    at = datetime.fromisoformat("2026-06-01T12:00:00Z")
    resting, failing = Health(at - RESTING), Health(at - timedelta(minutes=4))
    probes = Probes()
    assert [probes.may_ask(1, health=failing, at=at) for _ in range(2)] == [True, True]
    assert [probes.may_ask(1, health=resting, at=at) for _ in range(2)] == [True, False]
    assert probes.may_ask(2, health=resting, at=at), "another endpoint"
    read_now = now + 10
    assert [probes.may_ask(1, health=resting, at=at) for _ in range(2)] == [True, False]


@pytest.mark.parametrize(
    ("behavior", "failing", "reason"),
    [("status/410", None, "gone_410"), ("status/503", timedelta(hours=121), "no_success_120h")],
)
def test_endpoint_is_disabled(
    receiver: Receiver, behavior: str, failing: timedelta | None, reason: str
) -> None:
    campaign = auction_campaign(bid_deadline_ms=PATIENT_MS)
    endpoint = endpoint_of(bidder(campaign, url=receiver.url(behavior)))
    if failing:
        Endpoint.objects.update(failing_since=read_clock() - failing)
    with asking():
        auction_off(campaign)
        wait_for(endpoint, "disabled_at")
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == reason


def test_test_lead_says_nothing_of_the_live_system(receiver: Receiver) -> None:
    campaign = auction_campaign(bid_deadline_ms=PATIENT_MS)
    tested = endpoint_of(bidder(campaign, url=receiver.url("status/503")))
    live = bidder(campaign, url=receiver.url("bid/10.00"))
    with asking():
        auction_off(campaign, is_test=True)
    tested.refresh_from_db()
    assert (tested.failing_since, endpoint_of(live).last_success_at) == (None, None)
