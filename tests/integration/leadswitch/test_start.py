"""The output for a wrong configuration: one line that names the variable, and no traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from leadswitch.env import REPOSITORY
from tests.support.commands import run

SECRET = "long-enough-for-a-secret-and-used-nowhere-else"
EXTERNAL = {
    "DATABASE_URL": "postgres://unknown:secret@127.0.0.1:1/leadswitch",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": SECRET,
    "LEADSWITCH_IDENTITY_KEY": SECRET,
    "LEADSWITCH_ENCRYPTION_KEY": SECRET,
    "ALLOWED_HOSTS": "leads.example.com",
}
VAR_DIR_FIX = "Make it readable and writable for this user, or set LEADSWITCH_VAR_DIR to another directory."


@pytest.mark.parametrize(
    "command",
    [
        ("manage.py", "check"),
        ("manage.py", "dispatcher"),
        ("manage.py", "deliverer"),
        ("manage.py", "dialer"),
        ("manage.py", "streams"),
        ("-m", "celery", "-A", "leadswitch", "worker"),
        ("-m", "celery", "-A", "leadswitch", "beat"),
        ("-m", "leadswitch.up"),
        ("-m", "leadswitch.embedded", "status"),
    ],
)
def test_wrong_variable_prints_one_line(command: tuple[str, ...]) -> None:
    code, lines = run(*command, LEADSWITCH_EMBEDDED_FSYNC="maybe")
    assert lines == [
        "LEADSWITCH_EMBEDDED_FSYNC: 'maybe' is neither true nor false. Use true or false"
        " (.env.example lists every variable)"
    ]
    assert code == 2


@pytest.mark.parametrize(
    "command",
    [
        ("manage.py", "check"),
        ("-m", "celery", "-A", "leadswitch", "beat"),
        ("-m", "leadswitch.up", "--port", "0"),
    ],
)
def test_unusable_var_directory_prints_one_line(command: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    code, lines = run(*command, LEADSWITCH_VAR_DIR=str(file), SECRET_KEY="")
    assert lines == [f"Cannot use {file / 'secret_key.txt'}: Not a directory. {VAR_DIR_FIX}"]
    assert code == 2


def test_unusable_metrics_directory_of_a_worker_prints_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    variables = {**EXTERNAL, "LEADSWITCH_VAR_DIR": str(file), "LEADSWITCH_WORKER_METRICS_PORT": "19"}
    code, [line] = run("-m", "celery", "-A", "leadswitch", "worker", **variables)
    assert line.startswith(f"Cannot use {file / 'metrics-files'}")
    assert line.endswith(VAR_DIR_FIX)
    assert code == 2


def test_unusable_lock_of_up_prints_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    variables = {**EXTERNAL, "LEADSWITCH_VAR_DIR": str(file)}
    code, [line] = run("-m", "leadswitch.up", "--port", "0", **variables)
    assert line == f"Cannot use {file / 'up.lock'}: File exists. {VAR_DIR_FIX}"
    assert code == 2


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            ("--without-heartbeat",),
            "--without-heartbeat: the worker would count as dead, and its ready queues as not consumed."
            " Start it without this option",
        ),
        (
            ("--heartbeat-interval", "6"),
            "--heartbeat-interval: 6 is greater than a third of LEADSWITCH_ALIVE_SECONDS."
            " Use at most 5, or raise LEADSWITCH_ALIVE_SECONDS",
        ),
    ],
)
def test_worker_with_a_rare_heartbeat_prints_one_line(options: tuple[str, ...], line: str) -> None:
    code, lines = run("-m", "celery", "-A", "leadswitch", "worker", *options, **EXTERNAL)
    assert lines == [line]
    assert code == 2


def test_unreachable_database_prints_one_line() -> None:
    code, [line] = run("manage.py", "migrate", **EXTERNAL)
    assert line.startswith("PostgreSQL does not respond; check DATABASE_URL: connection failed")
    assert "secret" not in line
    assert code == 2


def test_traceback_option_shows_the_traceback() -> None:
    code, lines = run("manage.py", "migrate", "--traceback", **EXTERNAL)
    assert lines[0].startswith("Traceback")
    assert code == 1


def test_missing_requirements_print_one_line() -> None:
    code, lines = run("-S", "manage.py", "check")
    assert lines == [
        "Django is not installed for this Python: run .venv/bin/python manage.py (`make venv` creates it)"
    ]
    assert code == 1


def test_closed_pipe_prints_no_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "manage.py", "setup", "--example"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141
