"""The product's programs as commands, and how one ends."""

import os
import subprocess
import sys

from leadswitch.embedded.paths import ServicePaths
from leadswitch.embedded.postgres import superuser_url
from leadswitch.env import REPOSITORY
from tests.conftest import VAR_DIR

PLAIN = superuser_url(ServicePaths.of(VAR_DIR)).replace("postgres@", "leadswitch@", 1)


SERVERS = {
    "dispatcher": ("manage.py", "dispatcher"),
    "worker": ("-m", "celery", "-A", "leadswitch", "worker"),
    "beat": ("-m", "celery", "-A", "leadswitch", "beat"),
    "web": (
        *("-m", "gunicorn", "leadswitch.wsgi", "--bind", "127.0.0.1:0"),
        *("--config", "python:leadswitch.web.config"),
    ),
    "up": ("-m", "leadswitch.up", "--port", "0"),
}


def run(*command: str, **variables: str) -> tuple[int, list[str]]:
    """The exit code and the lines on standard error."""
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
