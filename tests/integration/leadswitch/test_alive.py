"""The liveness probe of dispatcher and beat: a hanging process is found, even without Redis."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from leadswitch.embedded.processes import wait_until
from leadswitch.env import REPOSITORY
from routing.dispatch.heartbeat import FOLDER, LONGEST_TURN_SECONDS
from tests.conftest import VAR_DIR
from tests.support.commands import PLAIN, SERVERS, run, run_warm

AWAY = "redis://127.0.0.1:1/0"


@contextmanager
def started(process: str, var_dir: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the process on the database of the test servers, without Redis."""
    environment = {
        **os.environ,
        "LEADSWITCH_VAR_DIR": str(var_dir),
        "LEADSWITCH_ROLE": "worker",
        "DATABASE_URL": PLAIN,
        "REDIS_URL": AWAY,
    }
    command = [sys.executable, *SERVERS[process]]
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, stderr=subprocess.DEVNULL) as child:
        try:
            yield child
        finally:
            child.kill()


def probe(process: str, var_dir: Path) -> int:
    code, _ = run_warm("-m", "leadswitch.alive", process, LEADSWITCH_VAR_DIR=str(var_dir))
    return code


def test_directory_that_cannot_have_a_heartbeat_has_none(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    code, lines = run("-m", "leadswitch.alive", "beat", LEADSWITCH_VAR_DIR=str(file))
    assert (code, lines) == (1, ["beat: no heartbeat yet"])


def test_heartbeat_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    """As without permission for the directory, but also for a superuser."""
    folder = tmp_path / FOLDER
    folder.symlink_to(folder)
    code, lines = run("-m", "leadswitch.alive", "beat", LEADSWITCH_VAR_DIR=str(tmp_path))
    cause = f"[Errno 40] Too many levels of symbolic links: '{folder / 'beat'}'"
    assert (code, lines) == (2, [f"beat: the heartbeat cannot be read: {cause}"])


@pytest.mark.parametrize("process", ["dispatcher", "deliverer", "dialer", "streams", "beat"])
def test_process_that_hangs_is_found(process: str, tmp_path: Path) -> None:
    assert settings.VAR_DIR == VAR_DIR
    assert probe(process, tmp_path) == 1
    file = tmp_path / FOLDER / process
    with started(process, tmp_path) as child:
        assert wait_until(file.exists, timeout_seconds=60)
        assert probe(process, tmp_path) == 0
        first = file.stat().st_mtime_ns
        assert wait_until(lambda: file.stat().st_mtime_ns > first, timeout_seconds=60)

        child.send_signal(signal.SIGSTOP)
        long_ago = time.time() - LONGEST_TURN_SECONDS - 1
        os.utime(file, (long_ago, long_ago))
        assert probe(process, tmp_path) == 1

        child.send_signal(signal.SIGCONT)
        assert wait_until(lambda: file.stat().st_mtime > long_ago, timeout_seconds=60)
        assert probe(process, tmp_path) == 0
