"""The product's processes, on the test database and the test Redis."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from django.conf import settings
from django.db import connection

from leadswitch.env import REPOSITORY
from leadswitch.up import CELERY, DELIVERER, DIALER, DISPATCHER, worker_arguments
from tests.support.waiting import wait_until
from tests.support.warm.started import start_python

# The options with which `celery` runs one worker process that reports when it is ready.
WORKER = worker_arguments(concurrency=1)


def child_environment(**changes: str) -> dict[str, str]:
    """This test's environment, with the test database. Only committed rows are visible there."""
    return {
        **os.environ,
        "DATABASE_URL": make_database_url(),
        "REDIS_URL": settings.REDIS_URL,
        **changes,
    }


def worker_environment(**changes: str) -> dict[str, str]:
    return child_environment(**{"LEADSWITCH_ROLE": "worker", **changes})


def make_database_url() -> str:
    values = connection.settings_dict
    host = quote(str(values["HOST"]), safe="")
    port = f":{values['PORT']}" if values["PORT"] else ""
    user = quote(str(values["USER"]), safe="")
    password = f":{quote(str(values['PASSWORD']), safe='')}" if values["PASSWORD"] else ""
    return f"postgres://{user}{password}@{host}{port}/{values['NAME']}"


@contextmanager
def started(
    *command: str, output: IO[str] | None = None, **environment: str
) -> Iterator["subprocess.Popen[str]"]:
    """A Python process in its own process group. The whole group is killed at the end of the block.

    Its output goes to `output` if given. Otherwise its stdout is a pipe.
    """
    process = start_python(
        *command,
        cwd=REPOSITORY,
        env=worker_environment(**environment),
        stdin=subprocess.PIPE,
        stdout=output or subprocess.PIPE,
        stderr=output,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            kill_group(process)


def kill_group(process: "subprocess.Popen[str]") -> None:
    """SIGKILL the process and its children. A group that has ended is fine."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


@dataclass(frozen=True, slots=True)
class Program:
    process: "subprocess.Popen[str]"
    log: Path

    def wait_until_it_says(self, text: str) -> None:
        """Raises TooSlow."""
        wait_until(lambda: text in self.log.read_text(), what=f"{text!r} in the log of {self.process.args!r}")


@contextmanager
def logged(log: Path, *command: str, **environment: str) -> Iterator[Program]:
    """A Python process whose log is a file, since a full pipe would stop it."""
    with (
        log.open("w") as output,
        started(*command, output=output, LEADSWITCH_LOG_LEVEL="INFO", **environment) as process,
    ):
        yield Program(process, log)


@contextmanager
def celery(directory: Path, *arguments: str, **environment: str) -> Iterator[Program]:
    """`celery -A leadswitch worker` or `beat` as in production."""
    with logged(directory / f"{arguments[0]}.log", "-m", *CELERY, *arguments, **environment) as program:
        yield program


@contextmanager
def beat(directory: Path, **environment: str) -> Iterator[Program]:
    with celery(directory, "beat", "--schedule", str(directory / "schedule"), **environment) as program:
        yield program


@contextmanager
def dispatcher(directory: Path, name: str = "dispatcher", **environment: str) -> Iterator[Program]:
    """`manage.py dispatcher`. Give each of several its own name for its log."""
    with logged(directory / f"{name}.log", *DISPATCHER, **environment) as program:
        yield program


@contextmanager
def deliverer(directory: Path, name: str = "deliverer", **environment: str) -> Iterator[Program]:
    """`manage.py deliverer`. It may send to the servers of this machine."""
    allowed = {"LEADSWITCH_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8", **environment}
    with logged(directory / f"{name}.log", *DELIVERER, **allowed) as program:
        yield program


@contextmanager
def dialer(
    directory: Path, name: str = "dialer", *, command: Sequence[str] = DIALER, **environment: str
) -> Iterator[Program]:
    """`manage.py dialer`, or another command. It may call carriers on this machine."""
    allowed = {"LEADSWITCH_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8", **environment}
    with logged(directory / f"{name}.log", *command, **allowed) as program:
        yield program


def distribute_in_processes(count: int, *, patience: str) -> list[Mapping[str, int]]:
    """Run all due leads with this number of worker processes, started together. Returns what each did."""
    with ExitStack() as stack:
        workers = [
            stack.enter_context(started("-m", "tests.support.due_worker", patience)) for _ in range(count)
        ]
        for worker in workers:
            assert pipe(worker.stdout).readline() == "ready\n"
        for worker in workers:
            pipe(worker.stdin).write("go\n")
            pipe(worker.stdin).flush()
        return [json.loads(pipe(worker.stdout).readline()) for worker in workers]


def pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
