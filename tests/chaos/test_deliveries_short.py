"""The chaos of deliveries in short. `make chaos` kills 400 deliverers."""

from pathlib import Path

import pytest

from tests.chaos.deliveries.faults import FAULTS
from tests.chaos.deliveries.run import Order, make_plan, run
from tests.receivers.buyer import choose

pytestmark = pytest.mark.usefixtures("committed_db")

KILLS = 10


def test_no_lead_is_accepted_twice_and_every_message_ends(tmp_path: Path) -> None:
    result = run(Order(kills=KILLS, seed=1), directory=tmp_path, on_progress=print)

    assert [str(each) for each in result.findings] == []
    assert result.seen["killed: answered"] + result.seen["killed: settled"] == KILLS
    assert {name for name in FAULTS if result.seen.get(name)} == set(FAULTS)
    assert result.totals["lost_tries"] >= KILLS
    # Both kinds of answers came, and some messages were never answered.
    assert min(result.totals["sales"], result.totals["rejections"]) > KILLS
    assert any(name.startswith("unknown, ") for name in result.seen)


def test_control_lost_message_that_counts_as_rejected_is_accepted_twice(tmp_path: Path) -> None:
    order = Order(kills=6, seed=1, without=("unknown",), faults=False)

    result = run(order, directory=tmp_path, on_progress=print)

    assert "exclusive leads that two buyers accepted" in {each.check for each in result.findings}


def test_plan_has_all_kills_and_each_fault() -> None:
    steps = [each for step in make_plan(Order(kills=400, seed=3)) for each in step]

    assert steps.count("answered") == steps.count("settled") == 200
    assert set(FAULTS) <= set(steps)
    assert {"asking", "recorded"} <= set(steps)


def test_buyer_of_the_suite_keeps_its_verdict() -> None:
    """Otherwise it would be the buyer that accepts a lead twice."""
    for number in range(300):
        chosen = [choose(f"message {number}", place, percent=50).rpartition("/")[2] for place in range(1, 9)]
        assert len({each for each in chosen if each in ("accept", "reject")}) <= 1
