"""kill -9 of real Celery workers while they distribute: no lead is lost, and none is distributed twice.

Celery's late acks alone lose tasks.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from celery import current_app

from distribution.models import Assignment, LedgerEntry, LedgerKind
from distribution.tasks import PROCESS
from routing.dispatch.enqueue import enqueue_now
from routing.models import Lead, LeadStatus
from routing.queries import read_due_times
from tests.support.factories import CampaignFactory, enroll
from tests.support.processes import beat, dispatcher, pipe, started
from tests.support.race_leads import assert_verified, make_leads
from tests.support.waiting import fetch_value, wait_until
from tracing.models import Attempt

if TYPE_CHECKING:
    import subprocess

    import redis

pytestmark = pytest.mark.usefixtures("committed_db")

# Each kill may lose a lead. In this test the lead is not the cause.
SHORT = {
    "LEADSWITCH_PICKUP_PERIOD_SECONDS": "1",
    "LEADSWITCH_LEASE_SECONDS": "2",
    "LEADSWITCH_MAX_LOST_LEASES": "100",
}
Way = Callable[[list[int], Path], AbstractContextManager[None]]

LEADS = 400
KILLS = 20
LEADS_PER_LIFE = 10
LEADS_PER_MESSAGE = 2  # a kill loses the messages that the worker holds; this leaves enough for the others
# Sessions of worker processes that are inside a transaction.
BUSY_WORKERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'leadswitch-worker' AND xact_start IS NOT NULL
"""


def count_finished() -> int:
    return Lead.objects.filter(status=LeadStatus.DISTRIBUTED).count()


def is_in_transaction() -> bool:
    return bool(fetch_value(BUSY_WORKERS) > 0)


@contextmanager
def worker_of(host: "subprocess.Popen[str]") -> Iterator[None]:
    """A Celery worker with its pool, killed with SIGKILL at the end of the block."""
    pipe(host.stdin).write("\n")
    pipe(host.stdin).flush()
    pid = int(pipe(host.stdout).readline())
    try:
        yield
    finally:
        os.killpg(pid, signal.SIGKILL)


@contextmanager
def polled(lead_ids: list[int], _: Path) -> Iterator[None]:
    """Wake-ups, of which each kill loses some."""
    for first in range(0, LEADS, LEADS_PER_MESSAGE):
        current_app.send_task(PROCESS, args=[lead_ids[first : first + LEADS_PER_MESSAGE]])
    yield


@contextmanager
def dispatched(lead_ids: list[int], directory: Path) -> Iterator[None]:
    """Leads in flight. Each kill leaves some with leases that no worker ends."""
    with dispatcher(directory, **SHORT):
        enqueue_now(read_due_times(lead_ids))
        yield


@pytest.mark.parametrize(("mode", "way"), [("poll", polled), ("event", dispatched)])
def test_twenty_kills_under_load(
    redis_client: "redis.Redis[str]", tmp_path: Path, mode: str, way: Way
) -> None:
    assert redis_client.ping()
    campaign = CampaignFactory(price_cents=100, workspace__dispatch_mode=mode)
    enroll(campaign, count=10, credits_cents=1_000_000)
    lead_ids = make_leads(campaign, count=LEADS)
    workers = started("-m", "tests.support.worker_host", "--concurrency", "2", **SHORT)
    with workers as host, beat(tmp_path, **SHORT), way(lead_ids, tmp_path):
        assert pipe(host.stdout).readline() == "ready\n"
        for kill in range(KILLS):
            goal = count_finished() + LEADS_PER_LIFE
            assert goal < LEADS, f"nothing was left for kill {kill}"
            with worker_of(host):
                wait_until(lambda goal=goal: count_finished() >= goal, what=f"{LEADS_PER_LIFE} leads")  # type: ignore[misc]
                wait_until(is_in_transaction, what="a worker in a transaction")
        with worker_of(host):
            wait_until(lambda: count_finished() == LEADS, what="the rest of the leads")

    assert Assignment.objects.count() == LEADS
    assert Assignment.objects.values("lead_id").distinct().count() == LEADS
    assert LedgerEntry.objects.filter(kind=LedgerKind.CHARGE).count() == LEADS
    assert Attempt.objects.filter(result="success").count() == LEADS
    assert_verified()
