"""The whole product as `make up` starts it, with servers and data of its own, which the next run removes."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final

from leadswitch.embedded import stop_services
from leadswitch.env import REPOSITORY
from leadswitch.up import wait_until_ready
from tests.support.ports import free_port

# A test uses another directory.
DIRECTORY: Final = REPOSITORY / os.environ.get("LOAD_DIRECTORY", "var/load")
VAR_DIR: Final = DIRECTORY / "product"
HOST: Final = "127.0.0.1"
STOP_SECONDS: Final = 30.0
# A password and addresses of other servers must not lead this run to real data.
NOT_INHERITED: Final = (
    *("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "LEADSWITCH_IDENTITY_KEY"),
    *("LEADSWITCH_ENCRYPTION_KEY", "ALLOWED_HOSTS"),
)


class LoadBusy(Exception):
    """Another run uses the servers of this checkout."""


class NotStarted(Exception):
    """The product did not respond in time."""


def set_environment() -> None:
    """Point this process, and the ones that it starts, at the servers of the run. Before the settings are read."""
    for name in NOT_INHERITED:
        os.environ.pop(name, None)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="leadswitch.settings",
        LEADSWITCH_VAR_DIR=str(VAR_DIR),
        LEADSWITCH_ENV_FILE="",
        LEADSWITCH_ROLE="command",
        LEADSWITCH_LOG_LEVEL="INFO",
    )


@contextmanager
def fresh_servers() -> Iterator[None]:
    """Remove the data of the last run, and stop the servers at the end. Raises LoadBusy."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    with (DIRECTORY / "lock").open("w") as handle:
        _lock(handle)
        stop_services(VAR_DIR)
        shutil.rmtree(VAR_DIR, ignore_errors=True)
        try:
            yield
        finally:
            stop_services(VAR_DIR)


def _lock(handle: IO[str]) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise LoadBusy("another load run is under way in this checkout") from None


@contextmanager
def serve_product(*, workers: int) -> Iterator[tuple[int, str]]:
    """Yield the process id of the supervisor and the address, when the product is ready. Raises NotStarted."""
    port = free_port()
    command = [sys.executable, "-m", "leadswitch.up", "--port", str(port), "--workers", str(workers)]
    log = DIRECTORY / "product.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            address = f"http://{HOST}:{port}"
            if not wait_until_ready(f"{address}/readyz"):
                message = f"the product did not start (see {log})"
                raise NotStarted(message)
            yield process.pid, address
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """The supervisor stops its programs in its own time."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
