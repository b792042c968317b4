"""1,000 leads over four processes of a worker, one of them killed: each process's counts are those of its attempts.

A process counts an attempt right after its commit (routing.leads.attempt_log). A count that is written survives the
process. A kill between the two loses the counts of that one attempt, and no others.
"""

from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest
from django.db.models import Count

from leadswitch.celery import app
from leadswitch.levels.serving.files import merge
from leadswitch.up import worker_arguments
from routing.dispatch.publish import PROCESS_LEADS
from routing.models import Lead, LeadStatus
from tests.support.factories import LeadFactory, SourceFactory
from tests.support.killed_counting import AFTER, BEFORE
from tests.support.ports import free_port
from tests.support.processes import logged
from tests.support.scrapes import Scrape, scrape, wait_until_served
from tests.support.waiting import wait_until
from tracing.models import Attempt

pytestmark = pytest.mark.usefixtures("committed_db")

LEADS = 1_000
LEADS_A_MESSAGE = 10
ATTEMPTS = "leadswitch_attempts_total"
# The killed process runs the fifth lead of the 26th message last.
MARKED = 254
REST = slice(MARKED + 1, 260)


def send(lead_ids: list[int]) -> None:
    for start in range(0, len(lead_ids), LEADS_A_MESSAGE):
        app.send_task(PROCESS_LEADS, args=[lead_ids[start : start + LEADS_A_MESSAGE]])


def list_pending() -> list[int]:
    return list(Lead.objects.filter(status=LeadStatus.PENDING).order_by("pk").values_list("pk", flat=True))


def list_children(pid: int) -> set[int]:
    return {child.pid for child in psutil.Process(pid).children()}


def read_committed() -> dict[int, int]:
    """The attempts in the database, by the process that ran them."""
    counts = Attempt.objects.values_list("worker").annotate(count=Count("pk"))
    return {int(worker.rpartition(":")[2]): count for worker, count in counts}


def read_counted(files: Path) -> dict[int, int]:
    """The attempts in each process's file, without the processes that ran none."""
    counted = {int(path.stem.rpartition("_")[2]): count_attempts(path) for path in files.glob("counter_*.db")}
    return {pid: count for pid, count in counted.items() if count}


def count_attempts(file: Path) -> int:
    return round(sum(s.value for family in merge([str(file)]) for s in family.samples if s.name == ATTEMPTS))


def run_with_a_kill(directory: Path, *, moment: str) -> tuple[int, Mapping[int, int], Scrape]:
    """Run the leads. Returns the killed process, what each process counted, and the last scrape."""
    source = SourceFactory()
    lead_ids = [lead.pk for lead in LeadFactory.create_batch(LEADS, source=source)]
    port = free_port()
    command = ("-m", "tests.support.killed_counting", moment, str(lead_ids[MARKED]))
    with logged(
        directory / "worker.log",
        *command,
        *worker_arguments(concurrency=4),
        LEADSWITCH_WORKER_METRICS_PORT=str(port),
        LEADSWITCH_VAR_DIR=str(directory),
    ) as worker:
        wait_until_served(port)
        send(lead_ids)
        # The killed process loses the rest of its message. The pick-up would find those leads; here a message does.
        wait_until(lambda: list_pending() == lead_ids[REST], what="all leads but the rest of one message")
        send(lead_ids[REST])
        wait_until(lambda: list_pending() == [], what="the rest of that message")
        killed = int(Attempt.objects.get(lead_id=lead_ids[MARKED]).worker.rpartition(":")[2])
        wait_until(
            lambda: killed not in list_children(worker.process.pid), what="the worker to miss a process"
        )
        [files] = (directory / "metrics-files").iterdir()
        expected = read_committed()
        if moment == BEFORE:
            expected[killed] -= 1
        # A process that lives counts its last attempt a moment after the commit.
        wait_until(lambda: read_counted(files) == expected, what=f"the counts {expected}")
        return killed, read_counted(files), scrape(port)


def check_scrape(found: Scrape, *, attempts: int) -> None:
    assert found.total("leadswitch_metrics_files_unreadable") == 0
    for name in (
        ATTEMPTS,
        "leadswitch_leads_decided_total",
        "leadswitch_due_to_decision_seconds_count",
        "leadswitch_decision_seconds_count",
    ):
        assert found.total(name) == attempts, name


def test_kill_after_the_count_loses_no_count(tmp_path: Path) -> None:
    killed, counted, found = run_with_a_kill(tmp_path, moment=AFTER)
    assert counted == read_committed()
    assert counted[killed] > 0
    assert sum(counted.values()) == Attempt.objects.count() == LEADS
    check_scrape(found, attempts=LEADS)


def test_kill_between_commit_and_count_loses_exactly_that_count(tmp_path: Path) -> None:
    killed, counted, found = run_with_a_kill(tmp_path, moment=BEFORE)
    committed = read_committed()
    assert {pid: count - counted[pid] for pid, count in committed.items() if count != counted[pid]} == {
        killed: 1
    }
    assert sum(committed.values()) == Attempt.objects.count() == LEADS
    check_scrape(found, attempts=LEADS - 1)
