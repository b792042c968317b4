"""Run by `test_worker_servers` in each xdist worker of another session: prints which Redis the worker has."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from django.conf import settings

from leadswitch.env import REPOSITORY

CHILD = "from leadswitch import settings; print(settings.REDIS_URL)"


@pytest.mark.parametrize("number", [1, 2])  # one for each of two workers
def test_say_which_redis_this_worker_has(number: int) -> None:  # noqa: ARG001
    command = [sys.executable, "-c", CHILD]
    child = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    with redis.Redis.from_url(settings.REDIS_URL, decode_responses=True) as client:
        mine = client.info("server")["run_id"]
        client.config_set("maxmemory", 1)
    with redis.Redis.from_url(child.stdout.strip(), decode_responses=True) as client:
        childs = client.info("server")["run_id"]
    directory = Path(os.environ["PROBE_DIRECTORY"])
    unfinished = directory / f"{os.environ['PYTEST_XDIST_WORKER']}.unfinished"
    unfinished.write_text(f"{mine} {childs}")
    unfinished.rename(unfinished.with_suffix(".ids"))
    if os.environ["PROBE_STAYS"] == "true":
        signal.pause()
