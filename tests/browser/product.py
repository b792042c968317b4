"""Serves the product as `make up` does (gunicorn, static files and all), on the test database."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leadswitch.up import WEB
from tests.support.processes import child_environment
from tests.support.warm.started import start_python

REPOSITORY = Path(__file__).resolve().parents[2]
STOP_SECONDS = 10


@contextmanager
def serve_product(*, log_file: Path, **environment: str) -> Iterator[str]:
    """Yield the address. The socket listens before gunicorn starts, so no request comes too early.

    `environment` is added to that of the tests.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener, log_file.open("wb") as log:
        process = start_python(
            *web_command(listener.fileno()),
            cwd=REPOSITORY,
            env=child_environment(LEADSWITCH_ROLE="web", ALLOWED_HOSTS="127.0.0.1", **environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop(process)


def web_command(listening: int) -> list[str]:
    return ["-m", *WEB, "--bind", f"fd://{listening}", "--workers", "1"]


def stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
