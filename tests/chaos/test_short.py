"""The chaos suite in short: every fault once and a dozen kills, then the faults that kill no process.

Its Redis is separate and it uses this worker's database: concurrent tests do not notice. `make chaos` runs longer.
"""

from pathlib import Path

import pytest

from tests.chaos.faults import FAULTS
from tests.chaos.periods import PRODUCTION
from tests.chaos.run import LOSSES, Order, run

pytestmark = pytest.mark.usefixtures("committed_db")

SHORT = Order(leads=340, kills=12, seed=1, drains_each=False, pile=5_000)
PRODUCTION_SHORT = Order(
    leads=240,
    kills=1,
    seed=1,
    faults=(
        *("claim-lost", "dispatcher-kill-claim", "redis-stall", "redis-stall-unwatched"),
        *("redis-flush-pile", "web-stop"),
    ),
    periods=PRODUCTION,
    pile=5_000,
)


def test_no_fault_loses_or_doubles_a_lead(tmp_path: Path) -> None:
    result = run(SHORT, directory=tmp_path, on_progress=print)
    assert [str(each) for each in result.findings] == []
    assert {played.step.fault for played in result.steps} == set(FAULTS)
    assert sum(played.step.times for played in result.steps if played.step.fault == "worker-kill") == 12
    # A step sends more leads if no process comes to the point at which it is to stop.
    assert result.totals["leads"] == result.totals["requests"] >= SHORT.leads
    # Leads must have every kind of end. Otherwise caps, credits and hours would be untested.
    assert {end.partition(":")[0] for end in result.ends} == {"distributed", "failed", "pending"}


def test_no_lead_waits_for_a_production_lease(tmp_path: Path) -> None:
    """No worker dies, and no reconciler runs in that time: the surviving processes repair everything."""
    result = run(PRODUCTION_SHORT, directory=tmp_path, on_progress=print)
    assert [str(each) for each in result.findings] == []
    assert {played.step.fault for played in result.steps} == set(PRODUCTION_SHORT.faults)
    assert result.totals["leads"] == result.totals["requests"] >= PRODUCTION_SHORT.leads


def test_control_without_the_row_lock_the_run_fails(tmp_path: Path) -> None:
    """A worker that is stopped during a decision then has no lock, so another worker takes its lead.

    One of the two loses. It is refused when it writes its end or that it rolled back, or it gives the lead up: it
    starts again because a buyer is busy and finds the lead decided, or it finds the mark of the other one.
    """
    order = Order(leads=60, kills=1, seed=1, without=("row-lock",), faults=("worker-stop",))
    result = run(order, directory=tmp_path, on_progress=print)
    discarded = "attempts discarded because another process had the lead"
    found = {each.check for each in result.findings}
    assert found - {discarded} == {"leads started by two at once"}
    assert discarded in found or any(result.seen[name] for name in LOSSES)
