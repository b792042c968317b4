"""Runs the whole product for the demo as `make up` does, on a free port, with its log in a file."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from leadswitch.fake_carrier import make_environment

READY_SECONDS: Final = 90.0
STOP_SECONDS: Final = 30.0


class ProductNotReady(RuntimeError):
    """The product did not respond. The message names the log file."""


@contextmanager
def running_product(*, log_file: Path, repository: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield the product's address, and stop it afterwards. `environment` is added. Raises ProductNotReady.

    A carrier on this machine calls it back at that address.
    """
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    variables = {**os.environ, **make_environment(address), **environment}
    log_file.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "leadswitch.up", "--port", str(port)]
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=repository, env=variables, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait_until_ready(process, address=address, log_file=log_file)
            yield address
        finally:
            _stop(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(process: subprocess.Popen[bytes], *, address: str, log_file: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=2) as answer:  # noqa: S310 - our own http address
                answer.read()
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    message = f"the product did not start at {address}; see {log_file}"
    raise ProductNotReady(message)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
