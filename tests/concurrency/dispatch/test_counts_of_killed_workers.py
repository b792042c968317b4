"""1,000 leads over four processes of a worker, one of them killed: the scrape counts the attempts in the database."""

import signal
from pathlib import Path

import psutil
import pytest

from leadswitch.celery import app
from leadswitch.up import worker_arguments
from routing.dispatch.publish import PROCESS_LEADS
from routing.models import Lead, LeadStatus
from tests.support.factories import LeadFactory, SourceFactory
from tests.support.ports import free_port
from tests.support.processes import celery
from tests.support.scrapes import scrape, wait_until_served
from tests.support.waiting import wait_until
from tracing.models import Attempt

pytestmark = pytest.mark.usefixtures("committed_db")

LEADS = 1_000
LEADS_PER_MESSAGE = 10


def send(lead_ids: list[int]) -> None:
    for start in range(0, len(lead_ids), LEADS_PER_MESSAGE):
        app.send_task(PROCESS_LEADS, args=[lead_ids[start : start + LEADS_PER_MESSAGE]])


def list_pending() -> list[int]:
    return list(Lead.objects.filter(status=LeadStatus.PENDING).values_list("pk", flat=True))


def count_finished() -> int:
    return Lead.objects.exclude(status=LeadStatus.PENDING).count()


def is_finished_without(left: int) -> bool:
    return len(list_pending()) <= left


def test_scrape_has_the_attempts_of_all_processes_also_of_a_killed_one(tmp_path: Path) -> None:
    """A process counts an attempt right after its commit. A kill between the two loses that one count.

    The killed process also loses the rest of its message; the pick-up would find those leads, and here a second message
    does.
    """
    source = SourceFactory()
    lead_ids = [lead.pk for lead in LeadFactory.create_batch(LEADS, source=source)]
    port = free_port()
    with celery(
        tmp_path,
        *worker_arguments(concurrency=4),
        LEADSWITCH_WORKER_METRICS_PORT=str(port),
        LEADSWITCH_VAR_DIR=str(tmp_path),
    ) as worker:
        wait_until_served(port)
        send(lead_ids)
        wait_until(lambda: count_finished() > LEADS / 4, what="a quarter of the leads")
        victim = psutil.Process(worker.process.pid).children()[0]
        victim.send_signal(signal.SIGKILL)
        wait_until(lambda: is_finished_without(LEADS_PER_MESSAGE), what="the other messages")
        while left := list_pending():
            send(left)
            wait_until(lambda: is_finished_without(len(left) - 1), what="the leads of the killed process")

        wait_until(lambda: 0 <= find_difference(port) <= 1, what="the counts of the last attempts")
        found = scrape(port)
    assert found.total("leadswitch_metrics_files_unreadable") == 0
    [counters] = (tmp_path / "metrics-files").glob(f"*/counter_{victim.pid}.db")
    assert counters.exists()
    assert Attempt.objects.count() == LEADS
    decided = found.total("leadswitch_leads_decided_total")
    assert decided == found.total("leadswitch_due_to_decision_seconds_count")
    assert LEADS - 1 <= decided <= LEADS


def find_difference(port: int) -> float:
    """Attempts that the database has and the scrape lacks."""
    return Attempt.objects.count() - scrape(port).total("leadswitch_attempts_total")
