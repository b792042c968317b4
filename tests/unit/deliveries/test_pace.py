"""Which buyers' systems are asked first."""

from datetime import UTC, datetime

from distribution.deliveries.bidding.claim import Question
from distribution.deliveries.bidding.health import Health
from distribution.deliveries.bidding.pace import Pace
from distribution.deliveries.bidding.targets import PingTarget
from distribution.deliveries.payloads.answers import AnswerRules
from distribution.deliveries.payloads.bids import BidRules
from tests.unit.deliveries.payload_leads import make_facts

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def target(endpoint_id: int) -> PingTarget:
    return PingTarget(
        endpoint_id=endpoint_id,
        url="https://bids.example.com/ping",
        test_url="",
        http_method="POST",
        template=None,
        headers=(),
        rules=BidRules(answer=AnswerRules(), price_unit="dollars"),
        timeout_seconds=5,
        max_in_flight=5,
    )


def question(endpoint_id: int | None) -> Question:
    return Question(
        id=endpoint_id or 0,
        offer_id=1,
        lead_id=1,
        workspace_id=1,
        target=None if endpoint_id is None else target(endpoint_id),
        health=Health(),
        facts=make_facts(),
        is_test=False,
        asked_at=NOON,
        seconds_left=1.0,
    )


def order(pace: Pace, *endpoint_ids: int | None, free: int = 10) -> list[int]:
    return [each.id for each in pace.order([question(each) for each in endpoint_ids], free=free)]


def noted() -> Pace:
    pace = Pace()
    for endpoint_id, latency_ms in ((1, 50), (2, 900), (3, 200)):
        pace.note(endpoint_id, latency_ms=latency_ms)
    return pace


def test_slowest_systems_are_asked_first() -> None:
    assert order(noted(), 1, 2, 3) == [2, 3, 1]


def test_system_that_was_never_asked_may_be_the_slowest() -> None:
    assert order(noted(), 1, 2, 4) == [4, 2, 1]


def test_latest_time_counts() -> None:
    pace = noted()
    pace.note(2, latency_ms=10)
    assert order(pace, 1, 2, 3) == [3, 1, 2]
    assert (pace.find_seconds(2), pace.find_seconds(4)) == (0.01, 0.0)


def test_buyer_without_endpoint_comes_last() -> None:
    assert order(noted(), None, 1, 2) == [2, 1, 0]


def test_order_is_kept_while_threads_are_short() -> None:
    assert order(noted(), 1, 2, 3, free=2) == [1, 2, 3]
    assert order(noted(), 1, 2, 3, free=3) == [2, 3, 1]
