"""The commands of the runbooks run, and show the state that their page is about."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any, Final

import pytest
from django.core.management import call_command
from django.db import connection

import distribution.attempts.decide_under_lock
from distribution.attempts.distribute import distribute_lead
from distribution.models import Campaign
from leadswitch.env import REPOSITORY
from routing.models import Lead, Workspace
from tests.support.factories import CampaignFactory, LeadFactory, SourceFactory, enroll
from tests.support.runbooks import PAGES, read_commands

pytestmark = pytest.mark.usefixtures("committed_db")
COMMANDS: Final = sorted({command for page in PAGES for command in read_commands(page)})


@pytest.fixture
def lead(committed_db: None) -> Lead:  # noqa: ARG001
    campaign = CampaignFactory()
    enroll(campaign, count=1, credits_cents=10_000)
    lead: Lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace))
    return lead


def run(command: str, lead: Lead) -> tuple[int, str]:
    """The exit code and the output, with the placeholders of the page filled in."""
    filled = command.replace("LEAD", str(lead.public_id)).replace("SLUG", lead.workspace.slug)
    program, *arguments = shlex.split(filled)
    if program == "python":
        done = subprocess.run(
            [sys.executable, *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr
    out = StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


@pytest.mark.parametrize("command", COMMANDS)
def test_command_runs(command: str, lead: Lead) -> None:
    """Exit code 1 means that it found a problem: here no dispatcher and no worker run."""
    code, output = run(command, lead)
    assert code in {0, 1}
    assert "Traceback" not in output
    assert output.strip() or command.startswith("manage.py migrate")


def pile_up_retries(lead: Lead) -> None:
    due = datetime.now(UTC) - timedelta(minutes=3)
    Lead.objects.filter(pk=lead.pk).update(
        attempts=1, skip_reason="tier_lock_contention", next_attempt_at=due
    )


def fail_attempt(lead: Lead) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ValueError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distribution.attempts.decide_under_lock, "sell", fail)
        assert distribute_lead(lead.pk).result == "retry"


def leave_claim(lead: Lead) -> None:
    old = datetime.now(UTC) - timedelta(days=1)
    Lead.objects.filter(pk=lead.pk).update(
        status="calling", next_attempt_at=None, locked_by="caller:1", locked_at=old
    )


def move_balance(_lead: Lead) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE distribution_wallet SET balance_cents = balance_cents + 100")


def let_expire(lead: Lead) -> None:
    Lead.objects.filter(pk=lead.pk).update(expires_at=lead.received_at)


def remove_campaign(_lead: Lead) -> None:
    Campaign.objects.update(active=False)


def lose_from_schedule(lead: Lead) -> None:
    """The lead is due, and Redis does not have it."""
    Workspace.objects.filter(pk=lead.workspace_id).update(dispatch_mode="event")
    old = datetime.now(UTC) - timedelta(hours=1)
    Lead.objects.filter(pk=lead.pk).update(received_at=old, next_attempt_at=old)


def nothing(_lead: Lead) -> None:
    """No dispatcher and no worker run in these tests."""


# For each page: how to bring the product into its state, one of its commands, and what that prints.
STATES: Final[dict[str, tuple[Callable[[Lead], None], str, str]]] = {
    "due-retries-high": (pile_up_retries, "manage.py retries", r"tier_lock_contention +1 +1 +1[89]\d"),
    "hot-workspace": (pile_up_retries, "manage.py failures --workspace SLUG", "No attempt failed"),
    "routing-failures": (fail_attempt, "manage.py failures --minutes 30", r"retry +internal_error +1 "),
    "failure-rate-high": (fail_attempt, "manage.py explain LEAD", "internal|LeadSwitch failed|ValueError"),
    "stale-locks": (leave_claim, "manage.py reconcile stale_locks", r"stale_locks +1 +1 +0"),
    "balances-drift": (move_balance, "manage.py reconcile balances", r"wallet \d+"),
    "expired-high": (let_expire, "manage.py reconcile expiry", r"lead \d+"),
    "lead-stuck": (remove_campaign, "manage.py explain LEAD", r"waits|pending|due"),
    "dispatch-halted": (nothing, "manage.py dispatch status", r"Start a worker"),
    "no-leader": (
        nothing,
        "python -m leadswitch.alive dispatcher",
        r"dispatcher: (no heartbeat|last heartbeat)",
    ),
    "schedule-repairs": (lose_from_schedule, "manage.py reconcile schedule", r"lead \d+"),
}


@pytest.mark.parametrize("name", STATES)
def test_command_shows_the_state_of_its_page(name: str, lead: Lead) -> None:
    bring_about, command, shown = STATES[name]
    [page] = [page for page in PAGES if page.stem == name]
    assert command in read_commands(page)

    bring_about(lead)
    _, output = run(command, lead)

    assert re.search(shown, output), output
