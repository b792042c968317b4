"""The two web servers that are compared: the product's as `make up` starts it, and the bare view's."""

import json
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection

from leadswitch.up import CELERY, DELIVERER, DIALER, DISPATCHER, STREAMS, WEB_OPTIONS, worker_arguments
from tests.bench.children import ChildFailed, child_environment, end
from tests.support.ports import free_port
from tests.support.warm.started import start_python

HOST: Final = "127.0.0.1"
START_SECONDS: Final = 60.0
WEB_WORKERS: Final = 2
POOL_PROCESSES: Final = 2
LEADING: Final = "dispatch.leading"


@contextmanager
def serve_product(database_url: str, *, directory: Path, **variables: str) -> Iterator[int]:
    """Serve the product on a free port."""
    with serve_product_at(free_port(), database_url, directory=directory, **variables) as port:
        yield port


@contextmanager
def serve_product_at(port: int, database_url: str, *, directory: Path, **variables: str) -> Iterator[int]:
    """Serve the product on this port."""
    metrics = directory / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir()
    environment = {
        **child_environment(database_url, role="web"),
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        **variables,
    }
    with _serve("leadswitch.wsgi", environment, log=directory / "web.log", port=port) as own:
        yield own


@contextmanager
def serve_bare(database_url: str, owner: Mapping[str, Any], *, directory: Path) -> Iterator[int]:
    """Serve the bare view on a free port, with the database options of the product."""
    database = {
        name: value
        for name, value in connection.settings_dict.items()
        if name
        in {"ENGINE", "HOST", "PORT", "USER", "PASSWORD", "OPTIONS", "CONN_MAX_AGE", "CONN_HEALTH_CHECKS"}
    }
    environment = {
        **child_environment(database_url, role="web"),
        "DJANGO_SETTINGS_MODULE": "tests.bench.bare.settings",
        "BARE_SECRET_KEY": secrets.token_hex(32),
        "BARE_DATABASE": json.dumps({**database, "NAME": database_url.rpartition("/")[2].partition("?")[0]}),
        "BARE_OWNER": json.dumps(owner),
    }
    with _serve("tests.bench.bare.wsgi", environment, log=directory / "bare.log") as port:
        yield port


@contextmanager
def run_worker(environment: Mapping[str, str], *, directory: Path) -> Iterator[int]:
    """Run a worker on the bench's queues. Yields its process id when it is ready."""
    command = [sys.executable, "-m", *CELERY, *worker_arguments(concurrency=POOL_PROCESSES)]
    with start_ready(command, environment, log=directory / "celery.log", ready=" ready.") as process_id:
        yield process_id


@contextmanager
def run_deliverer(environment: Mapping[str, str], *, directory: Path) -> Iterator[None]:
    """Run a deliverer. It sends a heartbeat to the database when it is ready."""
    with _run(DELIVERER, environment, log=directory / "deliverer.log"):
        yield


@contextmanager
def run_dialer(environment: Mapping[str, str], *, directory: Path) -> Iterator[int]:
    """Yield the process id of a dialer. It sends a heartbeat to the database when it is ready."""
    with _run(DIALER, environment, log=directory / "dialer.log") as process_id:
        yield process_id


@contextmanager
def _run(command: Sequence[str], environment: Mapping[str, str], *, log: Path) -> Iterator[int]:
    with log.open("w") as output:
        process = start_python(
            *command,
            cwd=settings.BASE_DIR,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process.pid
        finally:
            end(process)


@contextmanager
def run_dispatcher(environment: Mapping[str, str], *, directory: Path) -> Iterator[int]:
    """Yield the process id of a dispatcher that leads."""
    command = [sys.executable, *DISPATCHER]
    with start_ready(command, environment, log=directory / "dispatcher.log", ready=LEADING) as process_id:
        yield process_id


@contextmanager
def serve_streams(database_url: str, *, directory: Path, **variables: str) -> Iterator[tuple[int, int]]:
    """Serve the stream of offers with one process. Yields its port and its process id."""
    port, log = free_port(), directory / "streams.log"
    command = (*STREAMS, "--host", HOST, "--port", str(port))
    environment = {**child_environment(database_url, role="web"), **variables}
    with _run_until_open(command, environment, port=port, log=log) as process_id:
        yield port, process_id


@contextmanager
def start_ready(
    command: Sequence[str], environment: Mapping[str, str], *, log: Path, ready: str
) -> Iterator[int]:
    """Run a process, and yield its id when its log says `ready`. Raises ChildFailed."""
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_ready(process, log=log, ready=ready)
            yield process.pid
        finally:
            end(process)


def _wait_until_ready(process: "subprocess.Popen[Any]", *, log: Path, ready: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if ready in log.read_text(errors="replace"):
            return
        time.sleep(0.1)
    raise ChildFailed(f"a process of the bench did not start (see {log})")


@contextmanager
def _serve(
    application: str, environment: Mapping[str, str], *, log: Path, port: int | None = None
) -> Iterator[int]:
    port = free_port() if port is None else port
    web = ("-m", "gunicorn", application, *WEB_OPTIONS, "--workers", str(WEB_WORKERS))
    with _run_until_open((*web, "--bind", f"{HOST}:{port}"), environment, port=port, log=log):
        yield port


@contextmanager
def _run_until_open(
    command: Sequence[str], environment: Mapping[str, str], *, port: int, log: Path
) -> Iterator[int]:
    """Yield the process id when it accepts connections."""
    with log.open("w") as output:
        process = start_python(
            *command,
            cwd=settings.BASE_DIR,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_open(port, process, log=log)
            yield process.pid
        finally:
            end(process)


def _wait_until_open(port: int, process: "subprocess.Popen[Any]", *, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise ChildFailed(f"a web server of the bench did not start (see {log})")
