"""Publishing must not block while the broker is down or silent."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from leadswitch.env import REPOSITORY

PUBLISH = """
import time, django
django.setup()
from celery import current_app
from kombu.exceptions import OperationalError
for _ in range(3):
    started = time.monotonic()
    try:
        current_app.send_task("distribution.pick_up_due")
    except OperationalError:
        print(time.monotonic() - started)
"""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        yield server


@pytest.mark.parametrize("broker_accepts", [True, False], ids=["silent", "refused"])
def test_publishing_fails_within_three_seconds(listener: socket.socket, *, broker_accepts: bool) -> None:
    if broker_accepts:
        listener.listen(16)  # accepts TCP and never answers
    url = f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
    done = subprocess.run(
        [sys.executable, "-c", PUBLISH],
        cwd=REPOSITORY,
        env={**os.environ, "REDIS_URL": url},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    durations = [float(line) for line in done.stdout.split()]
    assert len(durations) == 3
    # The first also imports the client.
    assert max(durations[1:]) < 3
