"""The foreground supervisor: a dead child is restarted, and Ctrl-C leaves no process behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from leadswitch.embedded.processes import wait_until
from leadswitch.env import REPOSITORY

SUPERVISE = """
import sys
from pathlib import Path
from leadswitch.supervisor import Program, Supervisor
sleeper = [sys.executable, "-u", "-c", "import time; print('started'); time.sleep(600)"]
Supervisor([Program("one", sleeper, {}), Program("other", sleeper, {})], cwd=Path.cwd()).run()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_children_are_restarted_and_all_end_with_the_supervisor(
    number: signal.Signals, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with log.open("w") as output:
        supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISE], cwd=REPOSITORY, stdout=output)
    assert wait_until(lambda: log.read_text().count("started") == 2, timeout_seconds=60)
    victim = psutil.Process(supervisor.pid).children()[0]
    victim.kill()
    assert wait_until(lambda: log.read_text().count("started") == 3, timeout_seconds=60)
    children = psutil.Process(supervisor.pid).children()
    assert len(children) == 2

    os.kill(supervisor.pid, number)

    assert supervisor.wait(timeout=60) == 0
    assert not any(child.is_running() for child in children)
    assert "exited with code -9; restarting" in log.read_text()
