"""`python -m leadswitch.up`: the web server and all other processes on one machine until Ctrl-C."""

import argparse
import fcntl
import os
import shutil
import socket
import sys
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final

import django
from django.core.exceptions import ImproperlyConfigured

from leadswitch.database.fitness import check_database
from leadswitch.embedded import ServicesError, ensure_services
from leadswitch.env import REPOSITORY, read_locations
from leadswitch.env.parse import MAX_PORT
from leadswitch.fake_carrier import CarrierNotStarted, make_environment, running_carrier
from leadswitch.secretfile import read_or_create_secret
from leadswitch.supervisor import Program, Supervisor
from leadswitch.var_dir import usable_var_dir
from tracing.parsing import number_argument, positive_argument

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import TextIO

# What each program is started with. Bench, chaos and tests start the same ones with their own addresses and counts.
WEB_OPTIONS: Final = ("--config", "python:leadswitch.web.config")
WEB: Final = ("gunicorn", "leadswitch.wsgi", *WEB_OPTIONS)
CELERY: Final = ("celery", "-A", "leadswitch")
WORKER_OPTIONS: Final = ("--loglevel", "INFO", "--without-gossip", "--without-mingle")
BEAT_OPTIONS: Final = ("--loglevel", "WARNING")
DISPATCHER: Final = ("manage.py", "dispatcher")
DELIVERER: Final = ("manage.py", "deliverer")
DIALER: Final = ("manage.py", "dialer")
STREAMS: Final = ("manage.py", "streams")
EXPORTER: Final = ("manage.py", "exporter")
PORTS_TRIED: Final = 20
# The port of streams is this much above that of the web server, or the next free one.
STREAMS_OFFSET: Final = 10
STREAM_PATH: Final = "/api/v1/buyer/offers/stream/"
ADMIN_LOGIN = "admin"
READY_TIMEOUT_SECONDS = 60.0
SERVICES_CHECK_SECONDS = 2.0
# On a developer's machine or in a container the user may be root.
IGNORE_ROOT_WARNING = "ignore:You're running the worker with superuser"


def main() -> int:
    options = read_options()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadswitch.settings")
    try:
        refuse_taken_port(options.host, options.port)
        django.setup()
        lock = hold_directory()
        check_database()
        login = prepare_database()
    except (PortTaken, AlreadyRuns, ServicesError, ImproperlyConfigured) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        with lock, beside(options) as others:
            serve(options, login, others)
    except CarrierNotStarted as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


@dataclass(frozen=True, slots=True)
class Beside:
    """What runs beside the product: variables of its programs, and lines for the terminal."""

    environment: "Mapping[str, str]" = field(default_factory=dict)
    lines: "Sequence[str]" = ()


@contextmanager
def beside(options: argparse.Namespace) -> "Iterator[Beside]":
    """Raises CarrierNotStarted."""
    if not options.with_carrier:
        yield Beside()
        return
    from leadswitch.carrier_beside import prepare_channel

    with running_carrier() as carrier:
        line = prepare_channel(carrier.api_url)
        yield Beside(make_environment(f"http://{options.host}:{options.port}"), (line,))


def serve(options: argparse.Namespace, login: str, others: Beside) -> None:
    streams_port = find_free_port(options.port + STREAMS_OFFSET)
    started = programs(options.host, options.port, streams_port=streams_port, workers=options.workers)
    started = [replace(each, environment={**each.environment, **others.environment}) for each in started]
    supervisor = Supervisor(started, cwd=REPOSITORY)
    address, streams = (f"http://{options.host}:{port}" for port in (options.port, streams_port))
    lines = (describe_addresses(address, streams=streams), *others.lines, f"{login}. Ctrl-C stops.")
    threading.Thread(target=announce, args=(supervisor, address, lines), daemon=True).start()
    threading.Thread(target=keep_services_running, daemon=True).start()
    supervisor.run()


class PortTaken(Exception):
    """The port for the web server is in use."""


class AlreadyRuns(Exception):
    """Another `make up` uses the same var directory."""


def hold_directory() -> "TextIO":
    """Return the open lock file of the var directory. The kernel releases it when this process ends.

    A second `make up` would remove the metrics of the first. Raises AlreadyRuns and VarDirUnusable.
    """
    from django.conf import settings

    path: Path = settings.VAR_DIR / "up.lock"
    with usable_var_dir(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        handle.close()
        message = (
            f"LeadSwitch is already running with the data in {settings.VAR_DIR}. Stop that `make up` first."
        )
        raise AlreadyRuns(message) from error
    return handle


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m leadswitch.up", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=number_argument(lowest=0, highest=MAX_PORT), default=8000)
    parser.add_argument("--workers", type=positive_argument, default=2, help="web and worker processes, each")
    parser.add_argument(
        "--with-carrier",
        action="store_true",
        help="start the carrier of the tests too, and prepare an account and a channel for verification calls",
    )
    return parser.parse_args()


def refuse_taken_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        # As gunicorn does: connections of an earlier run may still be closing.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            message = f"port {port} on {host} cannot be used ({error}); choose another: make up PORT=8001"
            raise PortTaken(message) from error


def prepare_database() -> str:
    """Migrate, and make sure that there is an admin login. Returns the sentence that says how to log in."""
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    password_file: Path = settings.VAR_DIR / "admin_password.txt"
    password = read_or_create_secret(password_file, entropy_bytes=12)
    users = get_user_model().objects
    admin = users.filter(username=ADMIN_LOGIN).first() or users.create_superuser(
        ADMIN_LOGIN, password=password
    )
    if not admin.check_password(password):
        return f"log in as {ADMIN_LOGIN} with the password you chose (the one in {password_file} no longer works)"
    return f"log in as {ADMIN_LOGIN} with the password {password} (stored in {password_file})"


def programs(host: str, port: int, *, streams_port: int, workers: int) -> list[Program]:
    python = sys.executable
    web = [python, "-m", *WEB, "--bind", f"{host}:{port}", "--workers", str(workers)]
    celery = ["-m", *CELERY, "--quiet"]
    worker = [python, "-W", IGNORE_ROOT_WARNING, *celery, *worker_arguments(concurrency=workers)]
    shared = fresh_metrics_directory()
    streams = [python, *STREAMS, "--host", host, "--port", str(streams_port)]
    # A page may be opened by either name of this machine.
    origins = ",".join(f"http://{name}:{port}" for name in dict.fromkeys((host, "localhost")))
    addresses = {
        "LEADSWITCH_STREAMS_URL": f"http://{host}:{streams_port}",
        "LEADSWITCH_STREAM_ORIGINS": origins,
    }
    return [
        Program("web", web, {"LEADSWITCH_ROLE": "web", **shared, **addresses}),
        Program("streams", streams, {"LEADSWITCH_ROLE": "web", **shared, **addresses}),
        Program("worker", worker, {"LEADSWITCH_ROLE": "worker", **shared}),
        Program("dispatcher", [python, *DISPATCHER], {"LEADSWITCH_ROLE": "worker", **shared}),
        Program("deliverer", [python, *DELIVERER], {"LEADSWITCH_ROLE": "worker", **shared}),
        Program("dialer", [python, *DIALER], {"LEADSWITCH_ROLE": "worker", **shared}),
        Program("beat", [python, *celery, "beat", *BEAT_OPTIONS], {"LEADSWITCH_ROLE": "worker", **shared}),
        # Its own /metrics: a gauge of the whole installation must not be added up over processes.
        Program(
            "exporter",
            [python, *EXPORTER, "--port", str(find_exporter_port())],
            {"LEADSWITCH_ROLE": "exporter"},
        ),
    ]


def find_exporter_port() -> int:
    """LEADSWITCH_EXPORTER_PORT, or the next free port after it."""
    from django.conf import settings

    return find_free_port(settings.LEADSWITCH_EXPORTER_PORT)


def find_free_port(first: int) -> int:
    """The first one that is free: another checkout may run on this machine."""
    return next((port for port in range(first, first + PORTS_TRIED) if is_free(port)), first)


def is_free(port: int) -> bool:
    from django.conf import settings

    try:
        refuse_taken_port(settings.LEADSWITCH_METRICS_HOST, port)
    except PortTaken:
        return False
    return True


def worker_arguments(*, concurrency: int) -> tuple[str, ...]:
    """Return what follows `celery -A leadswitch` for one worker."""
    return ("worker", "--concurrency", str(concurrency), *WORKER_OPTIONS)


def fresh_metrics_directory() -> dict[str, str]:
    """Make an empty directory where all processes share their counters: old files would be added to them.

    /metrics of the web server then shows them all.
    """
    from django.conf import settings

    directory: Path = settings.VAR_DIR / "metrics"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return {"PROMETHEUS_MULTIPROC_DIR": str(directory)}


def keep_services_running() -> None:
    """Restart an embedded server that was killed while the product runs."""
    locations = read_locations()
    urls = {"database_url": locations.database_url, "redis_url": locations.redis_url}
    while True:
        sleep(SERVICES_CHECK_SECONDS)
        try:
            ensure_services(
                locations.var_dir, durable=locations.embedded_fsync, programs=locations.programs, **urls
            )
        except (ServicesError, OSError) as error:
            sys.stderr.write(f"{error}\n")


def describe_addresses(address: str, *, streams: str) -> str:
    return (
        f"LeadSwitch is ready: admin {address}/admin/  API {address}/api/docs/  portal {address}/portal/"
        f"  streams of offers {streams}{STREAM_PATH}"
    )


def announce(supervisor: Supervisor, address: str, lines: "Sequence[str]") -> None:
    if not wait_until_ready(f"{address}/readyz"):
        supervisor.say("up", f"{address} does not respond yet; see the lines above")
        return
    for line in lines:
        supervisor.say("up", line)


def wait_until_ready(url: str) -> bool:
    deadline = monotonic() + READY_TIMEOUT_SECONDS
    while monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own http address
                answer.read()  # or the server logs a client that disconnected
                return True
        except (urllib.error.URLError, OSError):
            sleep(0.2)
    return False


if __name__ == "__main__":
    sys.exit(main())
