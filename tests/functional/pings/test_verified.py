"""`manage.py verify` compares what was promised with what was paid, and replays decisions with their promise."""

import pytest

from distribution.models import Campaign
from distribution.verify import run_verification
from routing.models import Ping
from tests.support.payables import build_campaign, build_source
from tests.support.pinging import PingingSource

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def sender() -> PingingSource:
    return PingingSource(build_source(build_campaign(), pays="share", share_bps=4_000))


def find_breaches() -> list[tuple[int, str]]:
    return [
        (invariant.number, breach.message)
        for invariant, found in run_verification().results
        for breach in found.examples
    ]


def test_kept_promise_holds(sender: PingingSource) -> None:
    assert sender.post_lead(sender.get_ping_id()).json()["status"] == "distributed"

    assert find_breaches() == []


def test_lead_that_waits_for_its_price_holds(sender: PingingSource) -> None:
    ping_id = sender.get_ping_id()
    Campaign.objects.update(price_cents=2_400)
    assert sender.post_lead(ping_id).json()["status"] == "pending"

    assert find_breaches() == []


def test_broken_promise_is_found(sender: PingingSource) -> None:
    sender.post_lead(sender.get_ping_id())
    Ping.objects.update(price_cents=1_001)

    assert find_breaches() == [(10, "its source was promised 1001 cents, and its sales earned 1000")]
