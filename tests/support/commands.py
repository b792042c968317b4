"""The product's programs as commands, and their exits."""

import os
import subprocess
import sys

from leadswitch.embedded.paths import ServicePaths
from leadswitch.env import REPOSITORY
from leadswitch.up import CELERY, DELIVERER, DIALER, DISPATCHER, STREAMS, WEB
from tests.conftest import VAR_DIR
from tests.support.superuser import superuser_url
from tests.support.warm.started import run_python

PLAIN = superuser_url(ServicePaths.of(VAR_DIR)).replace("postgres@", "leadswitch@", 1)


SERVERS = {
    "dispatcher": DISPATCHER,
    "deliverer": DELIVERER,
    "dialer": DIALER,
    "streams": (*STREAMS, "--port", "0"),
    "worker": ("-m", *CELERY, "worker"),
    "beat": ("-m", *CELERY, "beat"),
    "web": ("-m", *WEB, "--bind", "127.0.0.1:0"),
    "up": ("-m", "leadswitch.up", "--port", "0"),
}


def run_warm(*command: str, **variables: str) -> tuple[int, list[str]]:
    """The exit code and the lines on standard error. For a test of what the program says, not of its start."""
    result = run_python(*command, cwd=REPOSITORY, env={**os.environ, **variables}, timeout=60)
    return result.returncode, result.stderr.splitlines()


def run(*command: str, **variables: str) -> tuple[int, list[str]]:
    """The same of a new Python process."""
    result = subprocess.run(
        [sys.executable, *command],
        cwd=REPOSITORY,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return result.returncode, result.stderr.splitlines()
