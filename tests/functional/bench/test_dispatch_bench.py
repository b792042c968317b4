"""The dispatch bench runs to its end and reports every part. No test here checks how fast anything was."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.bench.dispatch.aims import judge
from tests.bench.dispatch.backlog_part import draw
from tests.bench.dispatch.plan import CONTENDERS, DELAYED, IMMEDIATE, KINDS, Plan
from tests.bench.dispatch.processes import REDIS_DATABASE, _with_database
from tests.bench.dispatch.run import main
from tests.functional.bench.test_bench_smoke import bench_databases

TINY = Plan(
    seconds={8: 1},
    small_backlog=20,
    large_backlog=60,
    moved=300,
    moved_in=1.0,
    moved_by_countdown=20,
    put_alone=20,
    overdue=2_500,
    piled=30,
    shared_seconds=0.8,
    flat_rate=8,
    warm_up_leads=4,
    shortest_delay=0.2,
    longest_delay=0.6,
)


@pytest.fixture
def bench_client(settings: Any) -> Iterator["redis.Redis[bytes]"]:
    with redis.Redis.from_url(_with_database(settings.REDIS_URL)) as client:
        yield client
        client.flushdb()


@pytest.mark.usefixtures("committed_db")
def test_run_reports_every_part_and_leaves_nothing_behind(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, bench_client: "redis.Redis[bytes]"
) -> None:
    monkeypatch.setattr(Plan, "quick", classmethod(lambda cls: TINY))  # noqa: ARG005 - replaces a classmethod
    settings.VAR_DIR = tmp_path
    output = StringIO()

    assert main(["--quick"], stream=output) == 0

    report = json.loads((tmp_path / "bench" / "dispatch.json").read_text())
    assert [run["contender"] for run in report["lags"]["runs"]] == list(CONTENDERS)
    for run in [*report["lags"]["runs"], *report["flat"]]:
        assert [run[kind]["leads"] for kind in KINDS] == [4, 4]
        assert [run[kind]["early"] for kind in KINDS] == [0, 0]
    assert [run["contender"] for run in report["lags"]["shared"]] == list(CONTENDERS)
    assert [run["backlog"] for run in report["flat"]] == [20, 60]
    assert report["schedule"]["leads"] == 60
    assert report["moves"]["poller"]["moved_a_second"] > 0
    backlog = report["backlog"]
    # Every lead of the backlog's workspaces: the scheduled ones, those claimed by hand, and the overdue ones.
    assert backlog["repaired"] == 60 + 300 + 2_500, backlog
    assert backlog["early"] == 0
    assert sum(backlog["by_second"]) + backlog["straight"] == 2_500
    assert max(backlog["by_second"]) < 1_200
    assert {aim["verdict"] for aim in report["aims"]} <= {"met", "missed"}
    for title in ("Due to started", "In and out", "A backlog after a flush", "Aims"):
        assert title in output.getvalue()
    assert bench_databases() == []
    assert bench_client.dbsize() == 0


@pytest.mark.usefixtures("committed_db")
def test_redis_database_in_use_is_left_alone(
    bench_client: "redis.Redis[bytes]", capsys: pytest.CaptureFixture[str]
) -> None:
    bench_client.set("another-program", 1)
    assert main(["--quick"]) == 2
    assert f"Redis database {REDIS_DATABASE} is not empty" in capsys.readouterr().err
    assert bench_client.get("another-program") == b"1"


def test_aims_are_judged_by_the_measurements() -> None:
    lag = {"p50_ms": 5.0, "p99_ms": 49.0}
    late = {"p50_ms": 11.0, "p99_ms": 151.0}
    report = {
        "lags": {
            "runs": [
                {"contender": "event", "rate": 50, IMMEDIATE: lag, DELAYED: late},
                {"contender": "poller", "rate": 50, IMMEDIATE: late, DELAYED: late},
            ]
        },
        "flat": [
            {"backlog": 1_000, IMMEDIATE: lag, DELAYED: lag},
            {"backlog": 1_000_000, IMMEDIATE: lag, DELAYED: late},
        ],
        "schedule": {"leads": 1_000_000, "puts_a_second": 9_999},
        "moves": {"dispatcher": {"moved_a_second": 20_000}},
    }
    assert [(aim.name, aim.is_met) for aim in judge(report)] == [
        ("lag at 50 leads/s, immediate, p99", True),
        ("lag at 50 leads/s, delayed, p99", False),
        ("moved by one dispatcher, 1,000,000 scheduled", True),
        ("put, one client, 500 leads a call", False),
        ("lag, 1,000 to 1,000,000 scheduled", False),
    ]


def test_backlog_is_drawn_in_twenty_lines_at_most() -> None:
    lines = draw([1_000] * 50 + [500] * 50)
    assert len(lines) == 20
    assert lines[0] == f"   0 s   1,000/s {'#' * 50}"
    assert lines[-1].endswith(" 500/s " + "#" * 25)
    assert draw([]) == []
