"""The chaos of payments in short. `make chaos` kills 400 processes."""

from pathlib import Path

import pytest

from tests.chaos.payments.probes import POINTS
from tests.chaos.payments.run import FAULTS, Order, make_plan, run

pytestmark = pytest.mark.usefixtures("committed_db")

KILLS = 12


def test_credits_are_what_was_paid_less_what_went_back(tmp_path: Path) -> None:
    result = run(Order(kills=KILLS, seed=1), directory=tmp_path, on_progress=print)

    assert [str(each) for each in result.findings] == []
    assert {point: result.seen[f"killed: {point}"] for point in POINTS} == dict.fromkeys(POINTS, KILLS // 6)
    assert {name for name in FAULTS if result.seen.get(name)} == set(FAULTS)
    assert min(result.totals["payments_sent_again"], result.totals["refunds_booked"]) > 0
    assert all(result.seen[f"webhooks {fate}"] for fate in ("doubled", "late", "lost"))


def test_control_without_the_look_up_cards_are_charged_twice(tmp_path: Path) -> None:
    # Without the comparison as well: where it comes first, it books the payment before the payer asks for it again.
    without = ("look-up", "reconcile-payments")
    order = Order(kills=3, seed=1, without=without, points=("paid",), webhooks=False)

    result = run(order, directory=tmp_path, on_progress=print)

    assert "payments for which the card was charged twice" in {each.check for each in result.findings}


def test_plan_has_all_kills_and_each_fault() -> None:
    steps = [each for step in make_plan(Order(kills=402, seed=3)) for each in step]

    assert {point: steps.count(point) for point in POINTS} == dict.fromkeys(POINTS, 67)
    assert set(FAULTS) <= set(steps)
