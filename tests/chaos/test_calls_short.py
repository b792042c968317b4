"""The chaos of verification calls in short. `make chaos` kills 150 processes around 3,000 calls."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.carrier.callees import CALLEES
from tests.chaos.calls.accounts import expect
from tests.chaos.calls.probes import POINTS
from tests.chaos.calls.run import FAULTS, Order, make_plan, run
from tests.chaos.calls.stage import MIX
from tests.chaos.calls.world import find_places

KILLS = 14


@pytest.mark.usefixtures("committed_db")
def test_every_line_is_free_and_nobody_is_called_twice(tmp_path: Path) -> None:
    result = run(Order(kills=KILLS, seed=1, calls=200), directory=tmp_path, on_progress=print)

    assert [str(each) for each in result.findings] == []
    assert {point: result.seen[f"killed: {point}"] for point in POINTS} == dict.fromkeys(POINTS, KILLS // 7)
    assert {name for name in FAULTS if result.seen.get(name)} == set(FAULTS)
    assert all(result.seen[f"reports {fate}"] for fate in ("doubled", "lost", "reordered"))
    totals = result.totals
    assert min(totals["leads_sold"], totals["leads_not_verified"], totals["leads_scheduled"]) > 0
    assert min(totals["calls_unknown_at_first"], totals["calls_ended_by_poll"]) > 0


@pytest.mark.usefixtures("committed_db")
def test_control_without_the_row_before_the_request_calls_are_lost(tmp_path: Path) -> None:
    order = Order(kills=3, seed=1, without=("row-first",), points=("placed",), calls=60, faults=False)

    result = run(order, directory=tmp_path, on_progress=print)

    assert "calls of the carrier without a row" in {each.check for each in result.findings}


@pytest.mark.usefixtures("committed_db")
def test_control_without_the_inbox_a_pressed_key_is_lost(tmp_path: Path) -> None:
    """The web server dies between its answer and the stored report."""
    order = Order(kills=2, seed=1, without=("call-inbox",), points=("stored",), calls=20, faults=False)

    result = run(order, directory=tmp_path, on_progress=print)

    assert {each.check for each in result.findings} == {"calls with another outcome than at the carrier"}


def test_plan_has_all_kills_and_each_fault() -> None:
    steps = [each for step in make_plan(Order(kills=154, seed=3)) for each in step]

    assert {point: steps.count(point) for point in POINTS} == dict.fromkeys(POINTS, 22)
    assert all(steps.count(name) >= 2 for name in FAULTS)


@pytest.mark.parametrize("hour", range(24))
def test_one_place_is_open_for_an_hour_and_the_other_closed_for_five(hour: int) -> None:
    at = datetime(2026, 11, 30, hour, 30, tzinfo=UTC)

    here, there = find_places(at)

    assert all(here.is_open(at + timedelta(minutes=minutes)) for minutes in range(29))
    assert not any(there.is_open(at + timedelta(minutes=minutes)) for minutes in range(0, 300, 10))


def call(callee: str, status: str, keys: str = "") -> dict[str, Any]:
    return {"callee": callee, "status": status, "keys": keys}


@pytest.mark.parametrize(
    ("at_carrier", "is_heard", "outcomes"),
    [
        (call("confirms", "completed", "1"), True, {"confirmed"}),
        (call("confirms", "completed", "1"), False, {"confirmed", "no_input"}),
        (call("opts-out", "completed", "9"), True, {"opted_out"}),
        (call("voicemail", "completed"), False, {"voicemail"}),
        (call("no-key", "completed"), False, {"no_input"}),
        (call("busy", "busy"), False, {"busy"}),
        (call("no-answer", "no-answer"), False, {"no_answer"}),
        (call("confirms", "canceled"), False, {"canceled"}),
    ],
)
def test_outcome_is_what_the_person_did(
    at_carrier: dict[str, Any], *, is_heard: bool, outcomes: set[str]
) -> None:
    assert expect(at_carrier, is_heard=is_heard) == outcomes


def test_suite_knows_its_people() -> None:
    assert set(MIX) <= set(CALLEES)
