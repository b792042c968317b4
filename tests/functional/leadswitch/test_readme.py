"""The README's path to a first sold lead, run word for word on the whole product."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest

from leadswitch.env import REPOSITORY
from leadswitch.up import wait_until_ready
from tests.support.ports import free_port

STOP_SECONDS = 60
COMMAND_SECONDS = 120
PORT = "8000"


def read_commands() -> str:
    """Return the shell block of the section about the first sold lead."""
    section = (REPOSITORY / "README.md").read_text().partition("### Your first sold lead")[2]
    [block] = re.findall(r"```bash\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    return str(block)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A new installation: no data, no secrets, a separate PostgreSQL and Redis."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("LEADSWITCH_", "PYTEST_"))
    }
    for name in (
        "DATABASE_URL",
        "REDIS_URL",
        "SECRET_KEY",
        "ALLOWED_HOSTS",
        "DEBUG",
        "DJANGO_SETTINGS_MODULE",
    ):
        kept.pop(name, None)
    own = {"LEADSWITCH_VAR_DIR": str(tmp_path / "var"), "LEADSWITCH_EMBEDDED_FSYNC": "false"}
    return {**kept, **own, "LEADSWITCH_ENV_FILE": ""}


@pytest.fixture
def port(environment: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """`make up` on a free port, until the end of the test."""
    free = str(free_port())
    log = tmp_path / "up.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["make", "up", f"PORT={free}"],  # noqa: S607 - as the README says
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        assert wait_until_ready(f"http://127.0.0.1:{free}/readyz"), log.read_text()
        yield free
    finally:
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
        process.wait(STOP_SECONDS)
        stop = [".venv/bin/python", "-m", "leadswitch.embedded", "stop"]
        subprocess.run(stop, cwd=REPOSITORY, env=environment, check=True, capture_output=True)


@pytest.mark.skipif(which("curl") is None, reason="the README's example uses curl, which is not installed")
def test_first_lead_of_the_readme_is_sold(environment: dict[str, str], port: str, tmp_path: Path) -> None:
    commands = read_commands()
    assert PORT in commands
    script = commands.replace(PORT, port).replace("first.yaml", str(tmp_path / "first.yaml"))
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],  # noqa: S607
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["status"] == "distributed", answer
