"""The commands of the runbooks, against a product in the state that they should show."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

import distribution.attempts.decide_under_lock
from distribution.attempts.distribute import distribute_lead
from distribution.models import Campaign
from routing.models import Lead, Workspace
from tests.support.blocking import another_connection, holding
from tests.support.factories import CampaignFactory, LeadFactory, SourceFactory, enroll
from tests.support.waiting import wait_until_blocked

pytestmark = pytest.mark.usefixtures("committed_db")


def print_command(*arguments: str) -> list[str]:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue().splitlines()


def make_retry(campaign: Campaign, *, due_in: timedelta, reason: str = "database_timeout") -> Lead:
    lead: Lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace))
    due_at = datetime.now(UTC) + due_in
    Lead.objects.filter(pk=lead.pk).update(attempts=1, skip_reason=reason, next_attempt_at=due_at)
    return lead


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_empty_product_says_so() -> None:
    assert print_command("retries") == ["Retries", "No lead is in the retry queue."]
    assert print_command("failures")[1] == "No attempt failed in the last 60 minutes."
    assert "No session waits for a lock, and no transaction is older than a second." in print_command(
        "database"
    )


def test_retries_are_counted_by_workspace_and_reason() -> None:
    busy, quiet, paused = CampaignFactory(), CampaignFactory(), CampaignFactory()
    for _ in range(3):
        make_retry(busy, due_in=timedelta(minutes=-2))
    make_retry(busy, due_in=timedelta(hours=2))
    make_retry(quiet, due_in=timedelta(hours=2), reason="all_buyers_capped")
    make_retry(paused, due_in=timedelta(minutes=-9))
    Workspace.objects.filter(pk=paused.workspace_id).update(paused_at=datetime.now(UTC))

    title, heading, *rows = print_command("retries")

    assert (title, cells(heading)) == (
        "Retries",
        ["workspace", "reason", "due", "open", "oldest due seconds"],
    )
    first, second, third = map(cells, rows)
    assert first[:4] == [busy.workspace.slug, "database_timeout", "3", "4"]
    assert 120 <= int(first[4]) < 180
    assert {tuple(second), tuple(third)} == {
        (quiet.workspace.slug, "all_buyers_capped", "0", "1", "0"),
        (paused.workspace.slug, "database_timeout", "0", "1", "0"),
    }
    only = print_command("retries", "--workspace", quiet.workspace.slug)
    assert [cells(line)[0] for line in only[2:]] == [quiet.workspace.slug]


def test_failures_name_the_reason_and_the_latest_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ValueError

    campaign = CampaignFactory()
    enroll(campaign, count=1, credits_cents=10_000)
    source = SourceFactory(workspace=campaign.workspace)
    distribute_lead(LeadFactory(source=source).pk)
    monkeypatch.setattr(distribution.attempts.decide_under_lock, "sell", fail)
    leads = [LeadFactory(source=source) for _ in range(2)]
    for lead in leads:
        assert distribute_lead(lead.pk).result == "retry"

    _, heading, row = print_command("failures", "--minutes", "5")

    assert cells(heading) == ["workspace", "result", "reason", "attempts", "last at", "last lead"]
    workspace, result, reason, attempts, _at, last = cells(row)
    assert (workspace, result, reason, attempts) == (campaign.workspace.slug, "retry", "internal_error", "2")
    assert last == str(leads[1].public_id)
    assert str(leads[1].public_id) in "\n".join(print_command("explain", last))


def test_session_that_waits_for_a_lock_names_the_one_that_holds_it() -> None:
    lead = LeadFactory()
    lock = "SELECT 1 FROM routing_lead WHERE id = %s FOR UPDATE"
    with ThreadPoolExecutor(1) as threads, holding(lock, [lead.pk]) as holder:
        blocked = threads.submit(lock_and_leave, lead.pk)
        wait_until_blocked()
        lines = print_command("database")
        holder_pid = str(holder.connection.info.backend_pid)
        holder.rollback()
        blocked.result()

    first = lines.index("Waiting sessions and long transactions") + 1
    assert cells(lines[first])[-2:] == ["waits for pid", "statement"]
    waiting = [cells(line) for line in lines[first + 1 : lines.index("Largest tables")] if line]
    assert [row[-2:] for row in waiting if row[-2] != "-"] == [[holder_pid, "SELECT"]]
    assert "routing_lead" in "\n".join(lines[lines.index("Largest tables") :])


def lock_and_leave(lead_id: int) -> None:
    with another_connection() as other, other.cursor() as cursor:
        cursor.execute("SELECT 1 FROM routing_lead WHERE id = %s FOR UPDATE", [lead_id])


def test_statement_of_a_session_is_shown_without_its_values() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT '404-555-0123', pg_backend_pid()")
    assert "404-555-0123" not in "\n".join(print_command("database"))


def test_unknown_workspace_is_an_error() -> None:
    for command in ("retries", "failures"):
        with pytest.raises(CommandError, match="no-such-workspace"):
            print_command(command, "--workspace", "no-such-workspace")
