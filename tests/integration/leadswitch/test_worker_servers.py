"""Each xdist worker has its own Redis, which stops with the session."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadswitch.embedded import stop_services
from leadswitch.embedded.paths import ServicePaths
from leadswitch.embedded.redis import running_names
from leadswitch.env import REPOSITORY
from tests.support.waiting import wait_until

PROBE = "tests/integration/leadswitch/worker_probe.py"
SECONDS = 180.0


@pytest.fixture
def var_dir(tmp_path: Path) -> Iterator[Path]:
    """The var directory of another test session, which starts its servers there."""
    var_dir = tmp_path / "var"
    yield var_dir
    stop_services(var_dir)
    shutil.rmtree(ServicePaths.of(var_dir).socket_dir)


def start_session(var_dir: Path, *, stays: bool) -> "subprocess.Popen[str]":
    """Start two workers, each of which runs the probe."""
    foreign = ("PYTEST_", "DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    own = {
        "TEST_VAR_DIR": str(var_dir),
        "PROBE_DIRECTORY": str(var_dir.parent),
        "PROBE_STAYS": str(stays).lower(),
    }
    # A shell starts background jobs with SIGINT ignored, and their children inherit that.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "pytest", "-q", "-n", "2"]
    return subprocess.Popen(
        [*command, "-p", "no:cacheprovider", PROBE],
        cwd=REPOSITORY,
        env={**kept, **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def read_ids(var_dir: Path) -> list[list[str]]:
    """Return for each worker its server, and the server of a process that it starts."""
    return [file.read_text().split() for file in sorted(var_dir.parent.glob("*.ids"))]


def end_group(session: "subprocess.Popen[str]", number: signal.Signals) -> None:
    os.killpg(session.pid, number)
    session.communicate(timeout=SECONDS)


def test_each_worker_has_a_redis_of_its_own_until_the_session_ends(var_dir: Path) -> None:
    session = start_session(var_dir, stays=False)
    output, _ = session.communicate(timeout=SECONDS)
    assert session.returncode == 0, output
    [[one, child_of_one], [two, child_of_two]] = read_ids(var_dir)
    assert (child_of_one, child_of_two) == (one, two)
    assert one != two
    assert stop_services(var_dir) == []


def test_interrupted_session_stops_them(var_dir: Path) -> None:
    session = start_session(var_dir, stays=True)
    wait_until(lambda: len(read_ids(var_dir)) == 2, what="two workers", seconds=SECONDS)
    end_group(session, signal.SIGINT)
    assert stop_services(var_dir) == []


def test_servers_of_a_killed_session_are_found_again(var_dir: Path) -> None:
    session = start_session(var_dir, stays=True)
    wait_until(lambda: len(read_ids(var_dir)) == 2, what="two workers", seconds=SECONDS)
    end_group(session, signal.SIGKILL)
    assert running_names(ServicePaths.of(var_dir)) == ["gw0", "gw1"]
    before = read_ids(var_dir)

    output, _ = start_session(var_dir, stays=False).communicate(timeout=SECONDS)

    assert "2 passed" in output
    assert read_ids(var_dir) == before
    assert running_names(ServicePaths.of(var_dir)) == []
