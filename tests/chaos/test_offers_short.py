"""The chaos of offers in short. `make chaos` kills 400 processes."""

from pathlib import Path

import pytest

from tests.chaos.offers.probes import POINTS
from tests.chaos.offers.run import FAULTS, Order, make_plan, run

pytestmark = pytest.mark.usefixtures("committed_db")

KILLS = 15


def test_every_offer_has_one_end_and_every_claim_one_charge(tmp_path: Path) -> None:
    result = run(Order(kills=KILLS, seed=1), directory=tmp_path, on_progress=print)

    assert [str(each) for each in result.findings] == []
    assert {point: result.seen[f"killed: {point}"] for point in POINTS} == dict.fromkeys(POINTS, KILLS // 5)
    assert {name for name in FAULTS if result.seen.get(name)} == set(FAULTS)
    # Offers ended in both ways, and buyers competed for them.
    assert min(result.totals["claimed_offers"], result.totals["offers_that_ran_out"]) > 0
    assert result.totals["lost_claims"] > 0


def test_control_without_locks_and_count_a_lead_is_sold_twice(tmp_path: Path) -> None:
    order = Order(kills=10, seed=1, without=("offer-locks", "count-of-claims"), faults=False)

    result = run(order, directory=tmp_path, on_progress=print)

    assert "leads sold more often than they have places" in {each.check for each in result.findings}


def test_plan_has_all_kills_and_each_fault() -> None:
    steps = [each for step in make_plan(Order(kills=400, seed=3)) for each in step]

    assert {point: steps.count(point) for point in POINTS} == dict.fromkeys(POINTS, 80)
    assert set(FAULTS) <= set(steps)
