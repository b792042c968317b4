"""The processes that begin with the libraries imported (tests/support/warm) behave as new ones do."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leadswitch.env import REPOSITORY
from tests.support.processes import pipe
from tests.support.warm.host import MAX_ORDER_BYTES
from tests.support.warm.started import orders, run_python, start_python

OF_THE_PROCESS = """
import json, os, sys
json.dump({
    "name": __name__, "arguments": sys.argv, "directory": os.getcwd(), "environment": dict(os.environ),
    "is_session": os.getsid(0) == os.getpid(),
    "files": sorted(map(int, os.listdir("/proc/self/fd"))),
    "imported": [name for name in sys.modules if f"{name}.".startswith(tuple(f"{each}." for each in sys.argv[1:]))],
    "streams": [[each.line_buffering, each.errors, each.encoding] for each in (sys.stdin, sys.stdout, sys.stderr)],
}, sys.stdout)
"""
# The table of ZIP codes, which depends on no setting.
IMPORTED_OF_ROUTING = [
    *("routing", "routing.calendar", "routing.calendar.zones"),
    *("routing.places", "routing.places.zips"),
]
# These read the environment when they are imported, or are the product's own.
NOT_IMPORTED = ("prometheus_client", "opentelemetry", "leadswitch", "tracing", "distribution")


def read(*arguments: str, **options: Any) -> dict[str, Any]:
    done = run_python("-c", OF_THE_PROCESS, *arguments, **options)
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_process_is_what_a_new_one_is(tmp_path: Path) -> None:
    environment = {**os.environ, "TZ": "Asia/Tokyo"}
    options: dict[str, Any] = {"cwd": tmp_path, "env": environment, "start_new_session": True}
    new = subprocess.run(
        [sys.executable, "-c", OF_THE_PROCESS, *NOT_IMPORTED], capture_output=True, check=True, **options
    )
    assert read(*NOT_IMPORTED, **options) == json.loads(new.stdout)


def test_only_the_table_of_zip_codes_is_imported_of_routing() -> None:
    assert sorted(read("routing")["imported"]) == IMPORTED_OF_ROUTING


def test_process_inherits_the_named_files_only() -> None:
    reading, writing = os.pipe()
    try:
        found = read(pass_fds=[writing])
        assert writing in found["files"]
        assert reading not in found["files"]
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize(
    ("code", "returned", "last_line"),
    [
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit('away')", 1, "away"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, ""),
        ("import sys; sys.stderr.write('unfinished line')", 0, "unfinished line"),
        ("import sys; sys.stdout.close()", 0, ""),
        ("import atexit, os; atexit.register(os.write, 2, b'at the end')", 0, "at the end"),
    ],
)
def test_end_is_that_of_a_new_process(code: str, returned: int, last_line: str) -> None:
    for done in (
        run_python("-c", code),
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False),
    ):
        assert done.returncode == returned
        assert done.stderr.splitlines()[-1:] == ([last_line] if last_line else [])


def test_module_and_script_run(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys; print(__name__, sys.argv[1:])")
    assert run_python(str(script), "a").stdout == "__main__ ['a']\n"
    assert run_python("-m", "calendar", "2026", cwd=REPOSITORY).stdout.splitlines()[0].strip() == "2026"


def test_orphans_of_a_process_are_not_children_of_the_tests() -> None:
    code = "import os; print(os.fork() and os.getpid(), flush=True); os.read(0, 1)"
    with start_python(
        *("-c", code), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        lines = {pipe(process.stdout).readline() for _ in range(2)}
        assert lines == {"0\n", f"{process.pid}\n"}
        process.kill()
        assert process.wait() == -signal.SIGKILL
        with pytest.raises(ChildProcessError):
            os.waitpid(-process.pid, os.WNOHANG)
        os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    "options",
    [
        {"cwd": "/no/such/directory"},
        {"cwd": "/dev/null"},
        {"env": {"LONG": "x" * MAX_ORDER_BYTES}},
    ],
    ids=["no directory", "no folder", "too long"],
)
def test_failed_start_raises_what_a_new_process_raises(options: dict[str, Any]) -> None:
    """Linux allows 128 KiB for one variable."""
    with pytest.raises(OSError) as new:  # noqa: PT011 - compared below
        subprocess.run([sys.executable, "-c", ""], check=False, **options)
    with pytest.raises(type(new.value)) as warm:
        run_python("-c", "", **options)
    assert warm.value.errno == new.value.errno
    assert warm.value.filename == options.get("cwd")
    assert run_python("-c", "print(1)").stdout == "1\n"


def test_start_that_cannot_be_given_what_was_ordered_is_refused() -> None:
    with pytest.raises(subprocess.SubprocessError, match="embedded null byte"):
        run_python("-c", "", env={"NAME": "a\0b"})
    assert run_python("-c", "print(1)").stdout == "1\n"


@pytest.mark.parametrize(
    ("sent", "error"), [(signal.SIGSTOP, TimeoutError), (signal.SIGKILL, ConnectionError)]
)
def test_start_after_one_without_an_answer_uses_another_host(sent: int, error: type[Exception]) -> None:
    assert run_python("-c", "").returncode == 0
    orders()._ours.settimeout(0.2)
    os.kill(orders()._host.pid, sent)
    with pytest.raises(error):
        run_python("-c", "")
    assert run_python("-c", "print(1)").stdout == "1\n"


@pytest.mark.parametrize(
    "option",
    [
        {"preexec_fn": print},
        {"process_group": 0},
        {"umask": 0o22},
        {"user": os.getuid()},
        {"group": os.getgid()},
        {"extra_groups": []},
        {"executable": sys.executable},
        {"shell": True},
        {"close_fds": False},
        {"restore_signals": False},
    ],
    ids=lambda option: next(iter(option)),
)
def test_option_that_would_have_no_effect_is_refused(option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a warm start cannot set"):
        start_python("-c", "", **option)
