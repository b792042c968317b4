"""A real worker whose pool hangs: its main process lives on, but the worker is not counted as alive."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from leadswitch.probes import read_parts
from leadswitch.up import worker_arguments
from routing.dispatch import workers
from tests.support.processes import Program, celery
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.usefixtures("committed_db")

TWO = worker_arguments(concurrency=2)


def children(worker: Program) -> list[int]:
    pid = worker.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def frozen(pids: list[int]) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_worker_is_alive_while_its_pool_runs(redis_client: "redis.Redis[str]", tmp_path: Path) -> None:
    assert redis_client.ping()
    with celery(tmp_path, *TWO) as worker:
        worker.wait_until_it_says("ready.")
        wait_until(lambda: workers.count_alive() == 1, what="a worker that is alive")
        pool = children(worker)
        assert len(pool) == 2
        with frozen(pool):
            wait_until(lambda: workers.count_alive() == 0, what="a worker that is not counted")
            assert read_parts().workers == "none"
            assert worker.process.poll() is None
        wait_until(lambda: workers.count_alive() == 1, what="a worker that is alive again")
