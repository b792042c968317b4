"""The product's web server as a separate process, on the test database."""

import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING
from urllib.error import URLError

from leadswitch.env import REPOSITORY
from leadswitch.up import WEB
from tests.support.ports import free_port
from tests.support.processes import child_environment
from tests.support.warm.started import start_python

if TYPE_CHECKING:
    import subprocess


@contextmanager
def served(*options: str, **environment: str) -> Iterator[str]:
    """Serve until the end of the block. Yields the address. Needs committed rows. `options` are gunicorn's."""
    with serving(*options, output=None, **environment) as server:
        yield server.address


@dataclass(frozen=True, slots=True)
class Server:
    address: str
    process: "subprocess.Popen[bytes]"


@contextmanager
def serving(*options: str, output: IO[bytes] | None = None, **environment: str) -> Iterator[Server]:
    """The same, but yields the process, whose log goes to `output`."""
    address = f"127.0.0.1:{free_port()}"
    with start_python(
        *("-m", *WEB, "--bind", address, "--workers", "1", "--log-level", "warning", *options),
        cwd=REPOSITORY,
        env=child_environment(LEADSWITCH_ROLE="web", **environment),
        stderr=output,
        stdout=output,
    ) as process:
        try:
            _wait_until_ready(f"http://{address}/readyz", process)
            yield Server(f"http://{address}", process)
        finally:
            process.terminate()


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - the address is made above
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise TimeoutError(url)
