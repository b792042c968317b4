"""The bench runs to its end and reports every part. No test here checks how fast anything was."""

import json
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from routing.locks.owned_lock import owned_lock
from tests.bench.aims import judge
from tests.bench.calls_part import find_gaps, sum_live
from tests.bench.database import LOCK
from tests.bench.numbers import Spread, percentile, ratios
from tests.bench.plan import BY_HAND, LOOPS, PLAIN_ORM, PRODUCT, Plan
from tests.bench.routing_part import build_plan, make_fields
from tests.bench.run import main, read_options
from tests.bench.spans_part import FIGURES, TURNS_PER_ROUND
from tests.bench.wire import read_trace

TINY = Plan(
    leads={4: 2, 8: 2},
    worker_counts=(1, 2),
    rounds=3,
    requests=6,
    connections=2,
    rule_counts=(3, 60),
    rule_checks=600,
    deliveries=6,
    posts=2,
    paced=4,
    pings=4,
    ping_sizes=(5, 9),
    claims=2,
    claim_requests=4,
    openings=2,
    listeners=(0, 3, 11),
    closings=3,
    missed=3,
    call_lines=5,
    ring_seconds=1,
    busy_seconds=2,
    begins=2,
    waiting=20,
    idle_seconds=0.5,
    warm_up=1,
    retries=6,
    ways=2,
)

TITLES = (
    "Selling leads",
    "One sold lead",
    "Intake over HTTP",
    "Routing decisions",
    "Pings over HTTP",
    "Requests to one receiver",
    "Calls over 5 lines",
    "A call begins",
    "CPU of a dialer",
    "Deliveries of one deliverer",
    "Direct posts, one at a time",
    "Other endpoints beside one that hangs",
    "Retries in due order",
    "What a lead waits for",
    "Auctions of 20 buyers",
    "Claims in one process",
    "Beside 3 listeners",
    "Memory of the process of streams",
    "3 offers that close",
    "What a buyer's change would have won",
    "Distributed traces",
    "Aims",
    "psycopg",
)
PARTS = frozenset(
    {
        "engine",
        "intake",
        "routing",
        "outbound",
        "calls",
        "deliveries",
        "retries",
        "targets",
        "spans",
        "pings",
        "offers",
    }
)


@pytest.fixture
def tiny_plan(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> None:
    monkeypatch.setattr(Plan, "quick", classmethod(lambda cls: TINY))  # noqa: ARG005 - replaces a classmethod
    settings.VAR_DIR = tmp_path


@pytest.mark.usefixtures("committed_db", "tiny_plan")
def test_run_reports_every_part_and_leaves_nothing_behind(tmp_path: Path) -> None:
    output = StringIO()

    assert main(["--quick"], stream=output) == 0

    check_text(output.getvalue())
    check_report(json.loads((tmp_path / "bench" / "bench.json").read_text()))
    assert bench_databases() == []


def check_text(text: str) -> None:
    for title in TITLES:
        assert title in text


def check_report(report: Mapping[str, Any]) -> None:
    assert set(report) == {"machine", *PARTS, "aims"}
    assert {"cpu_count", "python", "postgres", "measured_at"} <= set(report["machine"])
    check_engine(report["engine"])
    assert set(report["intake"]["views"]) == {"product", "bare"}
    assert len(report["intake"]["product_against_bare"]["rounds"]) == TINY.rounds
    check_routing(report["routing"])
    assert set(report["outbound"]["clients"]) == {"product", "httpx"}
    assert len(report["outbound"]["product_against_httpx"]["rounds"]) == TINY.rounds
    check_calls(report["calls"])
    check_deliveries(report["deliveries"])
    check_offers(report["offers"])
    check_waits(report)
    assert {aim["verdict"] for aim in report["aims"]} <= {"met", "missed"}


def check_engine(engine: Mapping[str, Any]) -> None:
    assert [size["buyers"] for size in engine["sizes"]] == [4, 8]
    for size in engine["sizes"]:
        # Started, campaign, price, pool, distributed, and one event for each buyer.
        assert size["written_a_lead"]["events"] == size["buyers"] + 5
        assert size["statements"][0] == "BEGIN"
        assert size["statements"][-1] == "COMMIT"
        assert [run["workers"] for run in size["runs"]] == [1, 2]
        for run in size["runs"]:
            assert list(run["loops"]) == list(LOOPS)
            for loop in run["loops"].values():
                assert loop["leads"] == 2 * TINY.rounds
                assert loop["events_a_lead"] == size["buyers"] + 5
            assert set(run["product_against"]) == {BY_HAND, PLAIN_ORM}


def check_routing(routing: Mapping[str, Any]) -> None:
    assert [size["rules"] for size in routing["sizes"]] == [3, 60]
    for size in routing["sizes"]:
        assert len(size["rounds"]) == TINY.rounds
        # Each lead matches another rule, so on average half of them are checked.
        assert size["rules"] / 2 - 2 < size["rules_asked_a_decision"] <= size["rules"] / 2 + 2
        assert size["microseconds_a_decision"] > size["microseconds_a_rule"] > 0


def check_offers(offers: Mapping[str, Any]) -> None:
    assert set(offers["claim_loops"]["claims_per_second"]) == {PRODUCT, BY_HAND}
    assert offers["claim_loops"]["statements"][-1] == "COMMIT"
    assert offers["claims"]["claims"] == 4
    assert 0 < offers["listening"]["p50_ms"] <= offers["listening"]["p99_ms"]
    assert [size["listeners"] for size in offers["memory"]["sizes"]] == [0, 3, 11]
    assert offers["closing"]["early"] == 0
    # Equal turns are drawn by lot, so the buyer wins none to all of them.
    assert [(each["missed"], each["checked"]) for each in offers["replays"]] == [(3, 3), (3, 3)]
    assert all(0 <= each["won"] <= 3 for each in offers["replays"])


def check_calls(calls: Mapping[str, Any]) -> None:
    busy = calls["busy"]
    assert busy["dials"] > 0
    assert 0 < busy["busy_percent"] <= 100
    assert busy["cpu_ms"] > 0
    assert busy["most_live"] <= 5
    assert calls["begins"]["statements"] <= 15
    assert set(calls["begins"]["median_ms"]) == {"begin_call", "by hand"}
    assert calls["idle"]["waiting"] == 20


def check_deliveries(deliveries: Mapping[str, Any]) -> None:
    speed = deliveries["speed"]
    assert set(speed["senders"]) == {"product", "httpx"}
    assert len(speed["product_against_httpx"]["rounds"]) == TINY.rounds
    assert deliveries["direct_post"]["times"]["the buyer alone"]["p50_ms"] > 50
    assert set(deliveries["direct_post"]["added"]) == {"p50_ms", "p95_ms"}
    assert {name: len(turns) for name, turns in deliveries["hanging"]["turns"].items()} == {
        "alone": TINY.rounds,
        "beside an endpoint that hangs": TINY.rounds,
    }


@pytest.mark.parametrize("number", [0, 7, 999])
def test_lead_of_the_routing_bench_matches_its_own_rule(number: int) -> None:
    [hop] = build_plan(1_000).find_path(make_fields(number), max_hops=8)
    assert hop.rule.id == number


def check_waits(report: Mapping[str, Any]) -> None:
    assert [run["workers"] for run in report["retries"]["runs"]] == [1, 2]
    for run in report["retries"]["runs"]:
        assert len(run["rounds"]) == TINY.rounds
        assert all(rate > 0 for rate in run["rounds"])
    stages = {stage["stage"]: stage for stage in report["targets"]["stages"]}
    assert {name: stage["leads"] for name, stage in stages.items()} == {
        "lock": TINY.retries,
        "rules": TINY.retries,
        "complete": TINY.retries,
        "end to end": TINY.ways,
    }
    for side in ("off", "on"):
        assert all(report["spans"][side][figure]["min"] > 0 for figure in FIGURES)
    for figure in FIGURES:
        assert len(report["spans"]["on_against_off"][figure]["rounds"]) == TINY.rounds * TURNS_PER_ROUND
    for stage in stages.values():
        assert 0 < stage["p50_ms"] <= stage["p95_ms"]
        assert stage["times_below"] == stage["target_ms"] / stage["p95_ms"]


def bench_databases() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE '%\\_bench'")
        return [name for (name,) in cursor.fetchall()]


@pytest.mark.django_db
def test_second_bench_on_the_server_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with owned_lock(LOCK):
        assert main(["--quick"]) == 2

    assert "another bench is running" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--leads", "0"], "--leads 0: give 2 or more"), (["--rounds", "1"], "--rounds 1: give 3 or more")],
)
def test_invalid_counts_are_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        read_options(arguments)

    assert refused.value.code == 2
    assert message in capsys.readouterr().err


def test_leads_scale_with_the_pool() -> None:
    assert Plan.full().with_leads(30).leads == {10: 30, 100: 10, 1000: 2}


def test_median_percentile_and_ratio() -> None:
    assert Spread.of([3.0, 1.0, 10.0]) == Spread(median=3.0, least=1.0, greatest=10.0)
    assert [percentile([5, 1, 4, 2, 3], percent) for percent in (1, 50, 95, 100)] == [1, 3, 5, 5]
    assert ratios([2.0, 9.0], [4.0, 3.0]) == [0.5, 3.0]


def test_statements_are_read_from_the_wire() -> None:
    trace = (
        'F\t10\tQuery\t "BEGIN"\nB\t10\tCommandComplete\t "BEGIN"\n'
        'F\t51\tParse\t "" "SELECT\n  $1::int" 1 21\nF\t22\tBind\t "" "" 1 1\nF\t9\tExecute\t "" 0\nF\t4\tSync\n'
        'B\t13\tCommandComplete\t "SELECT 1"\nF\t11\tQuery\t "COMMIT"\n'
    )
    assert read_trace(trace) == ["BEGIN", 'SELECT $1::int" 1 21', "COMMIT"]


def size(buyers: int, rates: tuple[float, float, float]) -> Mapping[str, Any]:
    loops = {name: {"leads_per_second": {"median": rate}} for name, rate in zip(LOOPS, rates, strict=True)}
    against = {
        other: {"median": rates[0] / rate, "min": 0.1, "max": 9.0}
        for other, rate in ((BY_HAND, rates[1]), (PLAIN_ORM, rates[2]))
    }
    run = {"workers": 1, "loops": loops, "product_against": against}
    return {
        "buyers": buyers,
        "runs": [run],
        "statements": ["x"] * 12,
        "written_a_lead": {"events": buyers + 5},
    }


def test_aims_are_judged_by_the_median() -> None:
    # 10 buyers: 5 ms for us, 2 by hand. 1,000 buyers: 50 ms for us, 40 by hand: we grow by 45 ms, it by 38.
    routing = {"sizes": [{"rules": 1000, "microseconds_a_rule": 6.0, "microseconds_a_decision": 3000.0}]}
    engine = {"sizes": [size(10, (200, 500, 50)), size(1000, (20, 25, 2))]}
    aims = judge({"engine": engine, "routing": routing})

    assert [(aim.name, aim.is_met) for aim in aims] == [
        ("leads/s at 10 buyers, 1 worker", False),
        ("leads/s at 10 buyers, 1 worker", True),
        ("statements a sold lead", True),
        ("growth from 10 to 1000 buyers, 1 worker", False),
        ("a rule asked, of 1,000", False),
    ]
    assert aims[-2].measured == "45.0 ms against 38.0 ms a lead (45.5 and 38.4 µs a row)"
    assert LOOPS[0] == PRODUCT


def test_calls_are_judged() -> None:
    aims = judge(
        {
            "calls": {
                "busy": {"lines": 200, "gaps": {"p50_ms": 9.0, "p95_ms": 50.0}, "busy_percent": 98.0},
                "idle": {"waiting": 100_000, "without_percent": 0.5, "with_queue_percent": 1.0},
            }
        }
    )

    assert [(aim.measured, aim.is_met) for aim in aims] == [
        ("50.0 ms", False),
        ("98.00 %", True),
        ("1.00 % against 0.50 %", True),
    ]


def test_gap_is_between_a_free_line_and_the_dial_that_takes_it() -> None:
    ends = [("a", 1.0), ("a", 2.0), ("b", 2.5), ("a", 9.0)]
    dials = [("a", 0.5), ("a", 1.25), ("b", 3.0), ("a", 2.5), ("a", 9.5)]

    gaps = find_gaps(ends, iter(dials), until=9.0)

    assert gaps == [250.0, 500.0, 500.0], "the first dial took a line that was free before"


def test_live_seconds_are_those_within_the_time() -> None:
    calls = [
        {"created_at": 0.0, "ended_at": 2.0},
        {"created_at": 1.5, "ended_at": None},
        {"created_at": 4.5, "ended_at": None},
        {"created_at": 0.0, "ended_at": 0.5},
    ]
    assert sum_live(calls, 1.0, 4.0) == 1.0 + 2.5


def test_deliveries_are_judged() -> None:
    spread = {"median": 0.75, "min": 0.7, "max": 0.9}
    alone, beside = ({"p99_ms": {"median": value, "min": 20.0, "max": 31.0}} for value in (30.0, 30.9))
    aims = judge(
        {
            "deliveries": {
                "speed": {"product_against_httpx": spread},
                "direct_post": {"added": {"p50_ms": 4.0, "p95_ms": 5.1}},
                "hanging": {"medians": {"alone": alone, "beside an endpoint that hangs": beside}},
            }
        }
    )

    assert [(aim.measured, aim.is_met) for aim in aims] == [
        ("0.75 x (0.70-0.90)", False),
        ("4.00 ms", True),
        ("5.10 ms", False),
        ("30.9 ms against 30.0 ms (20.0-31.0)", True),
    ]


def test_waits_are_judged_against_their_targets() -> None:
    rate = {"median": 5_000.0, "min": 4_000.0, "max": 6_000.0}
    stages = [
        {"stage": "lock", "p95_ms": 0.5, "target_ms": 50, "times_below": 100.0},
        {"stage": "complete", "p95_ms": 200.0, "target_ms": 200, "times_below": 1.0},
    ]
    aims = judge(
        {"retries": {"runs": [{"workers": 2, "retries_a_minute": rate}]}, "targets": {"stages": stages}}
    )
    assert [(aim.name, aim.measured, aim.is_met) for aim in aims] == [
        ("retries a minute, 2 workers", "5,000 (4,000-6,000), 50 x as many", True),
        ("lock, p95", "0.50 ms, 100 x below", True),
        ("complete, p95", "200.00 ms, 1 x below", False),
    ]
