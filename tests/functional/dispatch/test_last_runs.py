"""Without beat no reconciler runs: the status, /readyz and the metrics report it, and expired leases block no lead."""

import json
from datetime import timedelta
from functools import partial
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from routing.dispatch import schedule
from routing.dispatch.problems import find_problems
from routing.dispatch.sizes import read_sizes
from routing.dispatch.state import read_state
from routing.dispatcher import leader_tasks
from routing.dispatcher.leader_tasks import end_expired_leases_without_beat, export_runs
from routing.last_runs import LastRun, read_runs, record_run
from routing.locks.owned_lock import owned_lock
from routing.metrics.reconcilers import RECONCILER_AGE_SECONDS
from routing.models import Lead, ReconcilerRun
from routing.reconcile import Reconciler, find_reconciler, run_reconciler
from routing.tasks import reconcile
from tests.support.factories import LeadFactory, SourceFactory, WorkspaceFactory
from tests.support.racing import race
from tests.support.reconciled import all_ran
from tracing.reconciling import Counts

pytestmark = pytest.mark.usefixtures("committed_db", "redis_client")

MINUTES = timedelta(minutes=5)


def problems() -> list[str]:
    return [each for each in find_problems(read_state(None)) if "reconciler" in each]


def run(name: str) -> LastRun:
    [found] = [each for each in read_runs() if each.name == name]
    return found


def test_missing_first_run_is_a_problem() -> None:
    [problem] = problems()
    assert problem.startswith("No reconciler has run yet. Start Celery beat")
    assert {each.age_seconds for each in read_runs()} == {None}


def test_run_is_stored_with_its_counts() -> None:
    run_reconciler(find_reconciler("workspace_pauses"), fix=True)

    row = ReconcilerRun.objects.get(name="workspace_pauses")
    assert (row.checked, row.repaired, row.skipped, row.failure) == (1, 0, 0, "")
    assert row.started_at is not None
    assert row.started_at < row.ended_at == row.done_at  # type: ignore[operator] # it has ended
    # The others have not run, and are not late yet.
    assert [run("balances").has_run, run("balances").is_late] == [False, False]
    assert problems() == []


def test_report_alone_does_not_count_as_a_run() -> None:
    run_reconciler(find_reconciler("workspace_pauses"), fix=False)
    assert not ReconcilerRun.objects.exists()


def test_run_by_command_counts() -> None:
    call_command("reconcile", "--fix", stdout=StringIO())
    assert [each.name for each in read_runs() if each.is_ok] == [each.name for each in read_runs()]


def test_failed_run_is_recorded_and_rolled_back() -> None:
    all_ran(ago=MINUTES)

    def fail(*, fix: bool, limit: int) -> Counts:  # noqa: ARG001 - the signature is a reconciler's
        raise RuntimeError

    with pytest.raises(RuntimeError):
        run_reconciler(Reconciler("schedule", 60, fail), fix=True)

    assert problems()[0].startswith("The last run of the reconciler schedule failed (RuntimeError)")
    assert run("schedule").age_seconds == pytest.approx(300, abs=30)


def test_reconcilers_that_do_not_run_are_late() -> None:
    """After three periods and the time of a long run. The hourly reconcilers are not late after five minutes."""
    all_ran(ago=MINUTES)
    [problem] = problems()
    assert problem.startswith("12 reconcilers have not run on time: ")
    assert (
        ": stale_locks, holds, offers, verifications, channels, schedule, inflight, workspace_pauses, buyer_pauses,"
        " wakeups, deliveries, rollups."
        " The longest gap is 5 min. Check Celery beat" in problem
    )


def test_two_simultaneous_first_runs_record_every_name(settings: Any) -> None:
    names = list(settings.LEADSWITCH_RECONCILERS)
    race([partial(record_run, name, Counts(), took_seconds=0.1) for name in (names[0], names[-1])])
    assert ReconcilerRun.objects.count() == len(names)
    assert ReconcilerRun.objects.filter(done_at__isnull=False).count() == 2


def test_health_reports_it_and_stays_ready() -> None:
    all_ran()
    assert Client().get("/readyz").json()["reconcilers"] == "ok"
    ReconcilerRun.objects.filter(name="inflight").update(failure="RedisError")
    assert Client().get("/readyz").json()["reconcilers"] == "failed"
    all_ran(ago=MINUTES)

    answer = Client().get("/readyz")

    assert (answer.status_code, answer.json()["ready"], answer.json()["reconcilers"]) == (200, True, "late")
    assert "reconcilers" in answer.json()["degraded"]


def test_metric_is_the_age() -> None:
    all_ran(ago=MINUTES)
    export_runs()
    value = RECONCILER_AGE_SECONDS.labels(reconciler="schedule")._value.get()
    assert value == pytest.approx(300, abs=30)


def test_status_and_page_name_them(admin_user: Any) -> None:
    WorkspaceFactory()
    all_ran(ago=MINUTES)
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("dispatch", "status", "--json", stdout=out)
    reported = {each["name"]: each for each in json.loads(out.getvalue())["reconcilers"]}
    assert [reported["inflight"]["is_late"], reported["balances"]["is_late"]] == [True, False]
    assert reported["inflight"]["period_seconds"] == 10

    client = Client()
    client.force_login(admin_user)
    page = client.get(reverse("admin:routing_dispatchcontrol_changelist")).content.decode()
    assert page.count('<span class="admin-badge" data-tone="bad">late</span>') == 12


@pytest.fixture
def lost(settings: Any) -> Lead:
    """A worker started the lead and was killed, and its lease has expired."""
    settings.LEADSWITCH_LEASE_SECONDS = -1
    lead: Lead = LeadFactory(source=SourceFactory(workspace__dispatch_mode="event"))
    schedule.put([schedule.Due(lead.pk, lead.workspace_id, lead.received_at)])
    assert schedule.start([lead.pk]) != [None]
    settings.LEADSWITCH_LEASE_SECONDS = 60
    assert [each.lead_id for each in schedule.find_expired(limit=9)] == [lead.pk]
    return lead


def test_leader_ends_expired_leases_while_beat_is_away(lost: Lead) -> None:
    assert end_expired_leases_without_beat(read_runs()) == 1

    assert schedule.find_expired(limit=9) == []
    assert read_sizes().waiting == 1
    lost.refresh_from_db()
    assert lost.lost_leases == 1
    # This is no run of the reconciler: monitoring still reports that beat is away.
    assert not ReconcilerRun.objects.exists()


def test_leader_leaves_them_to_a_running_reconciler(lost: Lead) -> None:
    all_ran()
    assert end_expired_leases_without_beat(read_runs()) == 0
    assert [each.lead_id for each in schedule.find_expired(limit=9)] == [lost.pk]


def test_lost_worker_is_counted_once_if_both_find_it(lost: Lead) -> None:
    race([lambda: end_expired_leases_without_beat(read_runs()), lambda: reconcile("inflight")])
    lost.refresh_from_db()
    assert lost.lost_leases == 1


def test_leader_leaves_them_while_another_run_is_under_way(lost: Lead) -> None:
    with owned_lock("inflight"):
        assert end_expired_leases_without_beat(read_runs()) == 0
    assert [each.lead_id for each in schedule.find_expired(limit=9)] == [lost.pk]


def test_leader_ends_them_in_its_regular_scan(lost: Lead, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leader_tasks, "publish_all", lambda _handed, *, path: None)  # noqa: ARG005 - the signature is the product's
    leader_tasks.LeaderTasks().run_due()
    lost.refresh_from_db()
    assert lost.lost_leases == 1
    assert schedule.find_expired(limit=9) == []
