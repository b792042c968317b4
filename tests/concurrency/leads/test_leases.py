"""Two processes and one lead: an owner that was suspended until another took its lease cannot write."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from routing.models import Lead
from routing.reconcile import find_reconciler, run_reconciler
from tests.support.factories import LeadFactory
from tests.support.processes import pipe, started
from tests.support.waiting import fetch_value

if TYPE_CHECKING:
    import subprocess

pytestmark = pytest.mark.usefixtures("committed_db")


@contextmanager
def owner(lead: Lead, name: str, *more: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that owns the lead."""
    with started("-m", "tests.support.lease_owner", str(lead.pk), name, *more) as process:
        assert pipe(process.stdout).readline() == "acquired\n"
        yield process


def go_on(process: "subprocess.Popen[str]") -> str:
    """Let it write. Returns its output."""
    pipe(process.stdin).write("go\n")
    pipe(process.stdin).flush()
    return pipe(process.stdout).readline().strip()


def take_over(settings: Any) -> None:
    """As if time had passed: the lease is too old, and the lead's next try is due."""
    settings.LEADSWITCH_CLAIM_MAX_SECONDS = 60
    Lead.objects.update(locked_at=fetch_value("SELECT now() - interval '61 s'"))
    assert run_reconciler(find_reconciler("stale_locks"), fix=True).repaired == 1
    Lead.objects.update(next_attempt_at=fetch_value("SELECT now()"))


def test_paused_owner_whose_lease_was_taken_over_cannot_write(settings: Any) -> None:
    lead = LeadFactory()
    with owner(lead, "first") as first:
        os.kill(first.pid, signal.SIGSTOP)
        take_over(settings)
        with owner(lead, "second") as second:
            os.kill(first.pid, signal.SIGCONT)
            assert go_on(first) == "lost"
            lead.refresh_from_db()
            assert (lead.status, lead.locked_by) == ("calling", "second")
            assert go_on(second) == "completed"
    lead.refresh_from_db()
    assert (lead.status, lead.locked_by) == ("cancelled", "")


def test_control_without_the_fence_it_ends_the_others_work(settings: Any) -> None:
    lead = LeadFactory()
    with owner(lead, "first", "unfenced") as first:
        os.kill(first.pid, signal.SIGSTOP)
        take_over(settings)
        with owner(lead, "second") as second:
            os.kill(first.pid, signal.SIGCONT)
            assert go_on(first) == "completed"
            lead.refresh_from_db()
            assert (lead.status, lead.locked_by) == ("cancelled", "")
            assert go_on(second) == "lost"


def test_killed_owner_leaves_its_lead_to_the_next(settings: Any) -> None:
    lead = LeadFactory()
    with owner(lead, "first") as first:
        os.kill(first.pid, signal.SIGKILL)
        first.wait(60)
    take_over(settings)
    with owner(lead, "second") as second:
        assert go_on(second) == "completed"
