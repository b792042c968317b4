"""A small load run of the whole product: every lead is accepted, decided and counted. Nothing here is timed."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from leadswitch.env import REPOSITORY
from tests.load.__main__ import read_options

LEADS = 120 + 40


def run_load(*arguments: str, directory: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tests.load", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "LOAD_DIRECTORY": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_small_run_loses_nothing(tmp_path: Path) -> None:
    done = run_load("--rate", "20", "--seconds", "2", directory=tmp_path)
    report = json.loads((tmp_path / "load.json").read_text())

    verdicts = {aim["aim"]: aim["verdict"] for aim in report["aims"]}
    for aim in ("nothing lost", "manage.py verify", "due retries at the end", "20/s: success"):
        assert verdicts[aim] == "met", report["aims"]
    assert [sum(phase[name] for phase in report["phases"]) for name in ("accepted", "decided")] == [LEADS] * 2
    assert sum(report["phases"][place]["duplicate_percent"] for place in (0, 1)) > 0
    assert report["locks"]["timed_out"] == 0
    assert {"web", "worker", "dispatcher", "deliverer", "beat", "postgres", "redis"} <= set(
        report["memory_mb"]
    )
    assert 0 < report["connections"]["peak"] < report["connections"]["limit"]
    for name in ("memory.svg", "p95.svg", "samples.csv", "p95.csv"):
        assert (tmp_path / name).read_text()
    is_void = report["generator"]["worst_lag_ms"] > 50
    assert done.returncode == (3 if is_void else int("missed" in verdicts.values()))
    assert ("VOID" in done.stdout) == is_void


def test_second_run_at_once_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run_load("--short", directory=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "another load run is under way in this checkout\n"


@pytest.mark.parametrize("arguments", [["--rate", "0"], ["--rate", "5", "--short"], ["--arrivals", "closed"]])
def test_wrong_arguments_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refusal:
        read_options(arguments)
    assert refusal.value.code == 2
    assert "--" in capsys.readouterr().err
