"""The figures of a load run, and its verdicts: each aim is missed just beyond its limit."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.load.aims import is_void, judge, measure_flatness
from tests.load.charts import draw_chart, write_csv
from tests.load.measure import Sent, measure_generator, measure_phases, measure_windows, read_sent
from tests.load.outcome import Decided, find_recovery_seconds
from tests.load.plan import Arrival, Phase
from tests.load.tables import spark

PHASE = Phase("normal", 2, 2)
PHASES = (PHASE, Phase("spike", 1, 2))
STARTED = 1_000.0


def decided(number: int, *, received: float, wait: float | None, result: str = "success") -> Decided:
    received_at = STARTED + received
    ended = None if wait is None else received_at + wait
    return Decided(number, received_at, ended, "" if wait is None else result, "")


def sent(number: int, planned: float, *, phase: int = 0, wait_ms: float = 1, status: int = 201) -> Sent:
    return Sent(Arrival(number, phase, planned), 1.0, wait_ms, 10.0 + wait_ms, status)


def test_phase_counts_every_end() -> None:
    requests = [
        sent(0, 0.0),
        sent(1, 0.5),
        sent(2, 1.0),
        sent(3, 1.5, status=503),
        sent(4, 3.0, phase=1, wait_ms=51),
    ]
    leads = [
        decided(0, received=0.0, wait=0.010),
        decided(1, received=0.5, wait=0.030, result="duplicate"),
        decided(2, received=1.0, wait=0.020, result="failed"),
        decided(4, received=3.0, wait=None),
    ]

    normal, spike = measure_phases(PHASES, requests, leads)

    assert [normal[name] for name in ("sent", "accepted", "stored", "decided")] == [4, 3, 3, 3]
    assert normal["sold_percent"] == normal["duplicate_percent"] == pytest.approx(100 / 3)
    assert normal["success_percent"] == 50  # the refused lead and the failed one are not
    assert normal["decision_ms"] == pytest.approx({"p50": 20, "p95": 30, "p99": 30})
    assert normal["intake_ms"] == {"p50": 11, "p95": 11, "p99": 11}
    assert (normal["achieved_rate"], normal["missed_starts"]) == (2, 0)
    assert (spike["decided"], spike["success_percent"], spike["missed_starts"]) == (0, 0, 1)


def test_late_starts_lower_the_achieved_rate() -> None:
    [phase] = measure_phases([PHASE], [sent(0, 0.0), sent(1, 1.0, wait_ms=3000)], [])
    assert phase["achieved_rate"] == 0.5


def test_phase_without_leads_achieves_no_rate() -> None:
    """A rate of 0.4 for one second plans no lead."""
    [phase] = measure_phases([PHASE], [], [])
    assert (phase["achieved_rate"], phase["success_percent"], phase["decision_ms"]["p95"]) == (0, 0, 0)


def test_answers_are_matched_with_the_plan_in_any_order() -> None:
    result = {
        "numbers": [1, 0],
        "lags_ms": [2.0, 60.0],
        "waits_ms": [3.0, 61.0],
        "latencies_ms": [4.0, 70.0],
        "statuses": [201, 0],
        "cpu_percent": 5.0,
        "first_refusals": ["0 no answer"],
    }
    read = read_sent(result, [Arrival(0, 0, 0.0), Arrival(1, 0, 0.5)])

    assert [(each.arrival.number, each.latency_ms, each.status) for each in read] == [
        (1, 4.0, 201),
        (0, 70.0, 0),
    ]
    generator = measure_generator(result, read)
    assert (generator["worst_lag_ms"], generator["missed_starts"]) == (60, 1)


def test_windows_have_the_leads_received_in_them() -> None:
    leads = [
        decided(0, received=1, wait=0.010),
        decided(1, received=4, wait=0.020),
        decided(2, received=12, wait=0.040),
        decided(3, received=13, wait=None),
    ]
    windows = measure_windows(leads, started_at=STARTED, seconds=5)
    assert [(each["begin"], each["leads"], round(each["p95_ms"])) for each in windows] == [
        (0, 2, 20),
        (10, 1, 40),
    ]


def test_recovery_ends_with_the_last_lead_of_the_spike() -> None:
    leads = [decided(0, received=2.5, wait=4.0), decided(1, received=5.0, wait=60.0)]
    spike = PHASES[1]
    assert find_recovery_seconds(leads, spike, PHASES, started_at=STARTED) == 2.5
    quick = [decided(0, received=2.5, wait=0.1)]
    assert find_recovery_seconds(quick, spike, PHASES, started_at=STARTED) == 0


def report(**changes: Any) -> Mapping[str, Any]:
    phase = {
        "phase": "spike",
        "planned_rate": 100.0,
        "achieved_rate": 99.0,
        "accepted": 1000,
        "stored": 1000,
        "decided": 1000,
        "success_percent": 99.9,
        "decision_ms": {"p50": 10.0, "p95": 99.9, "p99": 500.0},
        "p95_aim_ms": 100.0,
    }
    whole = {
        "accepted_not_stored": 0,
        "verify": {"holds": True, "text": "all invariants hold"},
        "retries_due_at_end": 99,
        "connections": {"peak": 80, "limit": 100},
        "recovery_seconds": 30.0,
        "flatness": {"p95_growth": 1.5, "memory_growth": {"web": 1.1}},
        "generator": {"worst_lag_ms": 50.0},
    }
    part = {name: value for name, value in changes.items() if name in phase}
    rest = {name: value for name, value in changes.items() if name not in phase}
    return {**whole, **rest, "phases": [{**phase, **part}]}


def missed(**changes: Any) -> list[str]:
    return [aim.name for aim in judge(report(**changes)) if not aim.is_met]


def test_run_at_every_limit_meets_its_aims() -> None:
    assert missed() == []
    assert not is_void(report())


@pytest.mark.parametrize(
    ("changes", "aims"),
    [
        ({"decision_ms": {"p95": 100.0}}, ["spike: p95 from receipt to decision"]),
        ({"achieved_rate": 98.9}, ["spike: planned rate achieved"]),
        ({"success_percent": 99.89}, ["spike: success"]),
        ({"stored": 1001}, ["nothing lost"]),
        ({"decided": 999}, ["nothing lost"]),
        ({"accepted_not_stored": 1}, ["nothing lost"]),
        ({"verify": {"holds": False, "text": "1 breach"}}, ["manage.py verify"]),
        ({"retries_due_at_end": 100}, ["due retries at the end"]),
        ({"connections": {"peak": 81, "limit": 100}}, ["peak connections"]),
        ({"recovery_seconds": 30.1}, ["recovery after the spike"]),
        (
            {"flatness": {"p95_growth": 1.51, "memory_growth": {}}},
            ["flat p95, last third of the longest phase against the middle"],
        ),
        ({"flatness": {"p95_growth": 1.0, "memory_growth": {"web": 1.11}}}, ["flat memory of web"]),
    ],
)
def test_aim_is_missed_just_beyond_its_limit(changes: Mapping[str, Any], aims: Sequence[str]) -> None:
    assert missed(**changes) == aims


def test_warm_up_and_missing_parts_are_not_judged() -> None:
    names = [aim.name for aim in judge(report(p95_aim_ms=None, recovery_seconds=None, flatness=None))]
    assert names == ["nothing lost", "manage.py verify", "due retries at the end", "peak connections"]


def test_run_whose_generator_was_late_is_void() -> None:
    assert is_void(report(generator={"worst_lag_ms": 50.1}))


def test_growth_compares_the_last_third_with_the_middle() -> None:
    flatness = measure_flatness([900, 900, 10, 10, 15, 15], {"web": [1, 2, 3], "beat": [1, 1]})
    assert flatness == {"p95_growth": 1.5, "memory_growth": {"web": 1.5}}
    assert measure_flatness([1, 2], {}) is None


def test_chart_is_valid_and_has_a_line_for_each_series() -> None:
    chart = draw_chart("<Memory>", {"web": [(0, 1), (1, 2)], "a & b": []}, x_label="minutes", y_label="MB")
    assert re.findall(r'<polyline points="([^"]*)"', chart) == ["60.0,155.0 750.0,30.0", ""]
    assert {"&lt;Memory&gt; (MB)", "minutes", "web", "a &amp; b"} <= set(
        re.findall(r">([^<\n]+)</text>", chart)
    )


def test_csv_has_a_header() -> None:
    assert write_csv(("second", "p95_ms"), [(0, 1.5), (5, 2)]) == "second,p95_ms\n0,1.5\n5,2\n"


def test_sparkline_begins_at_zero() -> None:
    assert spark([0, 50, 100]) == "▁▅█  (0 to 100 ms)"
    assert spark([]) == "no leads"
