"""The parts of every reconciler: a lock, batches, metrics, a task, a command, an entry in beat's table."""

import json
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as product_settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from leadswitch.embedded import redis as embedded_redis
from routing.locks.owned_lock import KEEP_OPEN, TRY_LOCK, lock_key, owned_lock
from routing.metrics.reconcilers import (
    RECONCILER_FOUND,
    RECONCILER_LAST_RUN,
    RECONCILER_REPAIRS,
    RECONCILER_RUNS,
)
from routing.models import ReconcilerRun, Workspace
from routing.reconcile import Reconciler, ReconcilerBusy, list_reconcilers, run_reconciler
from routing.tasks import reconcile
from tests.support.blocking import another_connection
from tests.support.factories import WorkspaceFactory
from tests.support.own_redis import using_own_redis
from tests.support.processes import pipe, started
from tests.support.racing import in_background
from tests.support.waiting import fetch_value, wait_until
from tests.support.warm.started import run_python
from tracing import reconciling
from tracing.reconciling import MAX_NAMED, Counts, in_batches, name_rows

pytestmark = pytest.mark.usefixtures("committed_db")

REPOSITORY = Path(__file__).parents[3]
PLACE = f"{__name__}.rename"
calls: list[dict[str, Any]] = []


def rename(*, fix: bool, limit: int) -> Counts:
    """A reconciler for these tests: every workspace should be named "right"."""
    calls.append({"fix": fix, "limit": limit})
    wrong = Workspace.objects.exclude(name="right")
    found = list(wrong.order_by("pk").values_list("pk", flat=True))
    repaired = wrong.update(name="right") if fix else 0
    named = name_rows("workspace", found)
    return Counts(Workspace.objects.count(), repaired, len(found) - repaired, named)


@pytest.fixture(autouse=True)
def registered(settings: Any) -> None:
    calls.clear()
    settings.LEADSWITCH_RECONCILERS = {"names": (PLACE, 60)}


def run_command(*arguments: str) -> tuple[int, list[str]]:
    out = StringIO()
    code = 0
    try:
        call_command("reconcile", *arguments, stdout=out)
    except SystemExit as stopped:
        code = int(str(stopped.code))
    return code, out.getvalue().splitlines()


@contextmanager
def a_run_under_way(name: str) -> Iterator[None]:
    with another_connection() as other:
        with other.cursor() as cursor:
            cursor.execute(TRY_LOCK, [lock_key(name)])
        yield


def value_of(metric: Any, **labels: str) -> float:
    return float(metric.labels(**labels)._value.get())


def test_command_reports_and_then_repairs() -> None:
    WorkspaceFactory.create_batch(3, name="wrong")
    WorkspaceFactory(name="right")

    code, lines = run_command("names")
    assert code == 1
    assert lines[1].split()[:4] == ["names", "4", "3", "0"]
    assert lines[-1] == "reconcile: 3 drifted; --fix repairs what can be repaired automatically"
    assert Workspace.objects.filter(name="wrong").count() == 3

    code, lines = run_command("--fix")
    assert code == 0
    assert lines[1].split()[:4] == ["names", "4", "3", "3"]
    assert lines[-1] == "reconcile: no drift found"
    assert not Workspace.objects.filter(name="wrong").exists()

    code, lines = run_command("names", "--limit", "7")
    assert (code, lines[1].split()[:4]) == (0, ["names", "4", "0", "0"])
    assert calls[-1] == {"fix": False, "limit": 7}


def test_findings_are_named(caplog: pytest.LogCaptureFixture) -> None:
    wrong = [f"workspace {each.pk}" for each in WorkspaceFactory.create_batch(3, name="wrong")]

    with caplog.at_level(logging.INFO):
        _, lines = run_command("names")

    assert lines[2] == f"  {', '.join(wrong)}"
    [record] = [each for each in caplog.records if each.message == "routing.reconciled"]
    assert record.found == wrong  # type: ignore[attr-defined]


def test_json_document_has_the_findings() -> None:
    wrong = WorkspaceFactory.create_batch(3, name="wrong")

    code, lines = run_command("names", "--json")
    document = json.loads("\n".join(lines))

    assert (code, document["is_clean"]) == (1, False)
    [row] = document["reconcilers"]
    assert row.pop("seconds") >= 0
    assert row == {
        "name": "names",
        "is_busy": False,
        "checked": 3,
        "found": 3,
        "repaired": 0,
        "left": 3,
        "named": [f"workspace {each.pk}" for each in wrong],
        "is_cut": False,
    }
    with a_run_under_way("names"):
        code, lines = run_command("names", "--json")
    document = json.loads("\n".join(lines))
    assert (code, document) == (1, {"is_clean": False, "reconcilers": [{"name": "names", "is_busy": True}]})


def test_reconciler_without_redis_is_not_checked_and_the_next_one_runs(tmp_path: Path, settings: Any) -> None:
    settings.LEADSWITCH_RECONCILERS = {
        "inflight": ("routing.reconcile.inflight.run", 10),
        "names": (PLACE, 60),
    }
    WorkspaceFactory(name="right")
    with using_own_redis(tmp_path) as redis:
        embedded_redis.stop(redis)

        code, lines = run_command("--fix")
        json_code, document = run_command("inflight", "--json")

    assert code == json_code == 1
    assert lines[1] == "inflight    not checked: Redis does not respond (ConnectionError)"
    assert lines[2].split()[:4] == ["names", "1", "0", "0"]
    assert lines[3] == "reconcile: 1 not checked"
    assert json.loads("\n".join(document)) == {
        "is_clean": False,
        "reconcilers": [
            {"name": "inflight", "is_busy": False, "failure": "Redis does not respond (ConnectionError)"}
        ],
    }
    assert ReconcilerRun.objects.get(name="inflight").failure == "ConnectionError"


def test_names_are_cut() -> None:
    found = MAX_NAMED + 20
    part = Counts(found, 0, found, name_rows("lead", range(found)))
    both = part + Counts(1, 0, 1, ("wallet 1",))
    assert (len(part.named), len(both.named), both.found) == (MAX_NAMED, MAX_NAMED, found + 1)

    WorkspaceFactory.create_batch(3, name="wrong")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reconciling, "MAX_NAMED", 2)
        _, lines = run_command("names")
    assert lines[2].endswith(" and 1 more")
    assert lines[2].count("workspace") == 2


@pytest.mark.parametrize(
    "arguments", [["--limit", "0"], ["--limit", "ten"], ["--loud"], ["nonsense"], ["balances", "more"]]
)
def test_wrong_arguments_exit_with_2(arguments: list[str]) -> None:
    ran = run_python("manage.py", "reconcile", *arguments, cwd=REPOSITORY)

    assert ran.returncode == 2
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr
    assert arguments[-1] in ran.stderr


def test_unknown_name_error_lists_the_known_ones() -> None:
    with pytest.raises(CommandError, match="no reconciler 'name'; choose one of names"):
        call_command("reconcile", "name")


def test_second_caller_learns_that_a_run_is_in_progress(caplog: pytest.LogCaptureFixture) -> None:
    WorkspaceFactory(name="wrong")
    busy = {"reconciler": "names", "end": "busy"}
    before = value_of(RECONCILER_RUNS, **busy)

    with a_run_under_way("names"), caplog.at_level(logging.INFO):
        code, lines = run_command("names", "--fix")
        reconcile("names")
    with a_run_under_way("another"):
        reconcile("names")

    assert code == 1
    assert lines[1:] == ["names       busy: another run is in progress", "reconcile: 1 not checked"]
    assert "routing.reconcile_busy" in caplog.messages
    assert value_of(RECONCILER_RUNS, **busy) == before + 2
    assert calls == [{"fix": True, "limit": calls[0]["limit"]}]


def test_two_simultaneous_runs_are_one() -> None:
    """The second starts while the first works. Without the lock (the control) both work at once."""
    [names] = list_reconcilers()
    inside: list[int] = []
    most: list[int] = []

    def slow(*, fix: bool, limit: int) -> Counts:  # noqa: ARG001
        inside.append(1)
        wait_until(lambda: len(inside) == 2 or bool(refused), what="a second run, or its refusal")
        most.append(len(inside))
        return Counts()

    refused: list[str] = []
    job = Reconciler(names.name, 60, slow)

    def second(run: Any) -> None:
        wait_until(lambda: bool(inside), what="the first run")
        try:
            run()
        except ReconcilerBusy as busy:
            refused.append(busy.name)

    with in_background(lambda: second(lambda: run_reconciler(job, fix=True))):
        run_reconciler(job, fix=True)
    assert (refused, most) == (["names"], [1])

    inside.clear(), most.clear(), refused.clear()
    with in_background(lambda: second(lambda: job.run(fix=True, limit=1))):
        job.run(fix=True, limit=1)
    assert (refused, most) == ([], [2, 2])


HOLD = """
import sys, django
django.setup()
from routing.locks.owned_lock import owned_lock
with owned_lock("names"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_killed_run_leaves_its_lock_to_the_next() -> None:
    """The lock has no time to live that would have to be guessed."""
    with started("-c", HOLD) as process:
        assert pipe(process.stdout).readline() == "held\n"
        with pytest.raises(ReconcilerBusy), owned_lock("names"):
            pass
        os.kill(process.pid, signal.SIGKILL)
        process.wait(60)

        def is_free() -> bool:
            try:
                with owned_lock("names"):
                    return True
            except ReconcilerBusy:
                return False

        wait_until(is_free, what="the lock of a killed process")


@pytest.mark.parametrize("ends", ["well", "with an error", "busy"])
def test_lock_is_free_before_its_connection_is_closed(monkeypatch: pytest.MonkeyPatch, ends: str) -> None:
    """The server may notice late that a connection was closed, and the next run would find the lock busy."""
    open_at_close: list[int] = []
    close = BaseDatabaseWrapper.close

    def watched(closing: BaseDatabaseWrapper) -> None:
        if closing is not connection:
            open_at_close.append(count_other_transactions())
        close(closing)

    monkeypatch.setattr(BaseDatabaseWrapper, "close", watched)
    connection.ensure_connection()
    if ends == "busy":
        with owned_lock("names"), pytest.raises(ReconcilerBusy), owned_lock("names"):
            pass
        assert open_at_close == [1, 0]  # the loser's is closed while the owner's is open
        return
    with suppress(ZeroDivisionError), owned_lock("names"):
        assert count_other_transactions() == 1
        if ends == "with an error":
            raise ZeroDivisionError
    assert open_at_close == [0]


def count_other_transactions() -> int:
    return int(
        fetch_value(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%%'"
        )
    )


def test_run_may_be_longer_than_an_idle_transaction() -> None:
    """The session's limit would end the connection, and with it the lock, in the middle of a run."""
    with another_connection() as other, other.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone()[0] == "30s"
        cursor.execute(KEEP_OPEN)
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone()[0] == "0"
    with owned_lock("names"), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity a JOIN pg_locks l USING (pid)"
            " WHERE l.locktype = 'advisory' AND a.backend_xmin IS NULL AND a.datname = current_database()"
        )
        assert cursor.fetchone()[0] == 1  # it holds back no vacuum


def test_run_is_measured_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    WorkspaceFactory.create_batch(2, name="wrong")
    before = value_of(RECONCILER_REPAIRS, reconciler="names")

    with caplog.at_level(logging.INFO):
        reconcile("names")

    assert value_of(RECONCILER_REPAIRS, reconciler="names") == before + 2
    assert value_of(RECONCILER_FOUND, reconciler="names") == 2
    assert value_of(RECONCILER_LAST_RUN, reconciler="names") > 1_700_000_000
    [record] = [each for each in caplog.records if each.message == "routing.reconciled"]
    assert (record.reconciler, record.checked, record.repaired, record.skipped) == ("names", 2, 2, 0)  # type: ignore[attr-defined]


def test_run_that_finds_nothing_is_logged_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="routing.reconcile"):
        reconcile("names")

    [record] = [each for each in caplog.records if each.message == "routing.reconciled"]
    assert (record.levelname, record.checked) == ("DEBUG", 0)  # type: ignore[attr-defined]


def test_run_that_fails_is_counted_and_raised(settings: Any) -> None:
    settings.LEADSWITCH_RECONCILERS = {"names": ("builtins.dict", 60)}  # dict(fix=.., limit=..) is no Counts
    failed = {"reconciler": "names", "end": "done"}
    before = value_of(RECONCILER_RUNS, **failed)

    def explode(*, fix: bool, limit: int) -> Counts:
        raise ValueError(fix, limit)

    with pytest.raises(ValueError, match="True"):
        run_reconciler(Reconciler("names", 60, explode), fix=True)

    assert value_of(RECONCILER_RUNS, **failed) == before
    assert value_of(RECONCILER_RUNS, reconciler="names", end="failed") >= 1
    with owned_lock("names"):
        pass


def test_batches_continue_where_the_last_ended() -> None:
    rows = list(range(1, 11))
    seen: list[tuple[int | None, int]] = []

    def step(after: int | None, count: int) -> tuple[Counts, int | None]:
        seen.append((after, count))
        batch = [each for each in rows if each > (after or 0)][:count]
        return Counts(len(batch), repaired=1), batch[-1] if len(batch) == count else None

    assert in_batches(step, limit=100, size=4) == Counts(10, repaired=3)
    assert seen == [(None, 4), (4, 4), (8, 4)]
    seen.clear()
    assert in_batches(step, limit=6, size=4) == Counts(6, repaired=2)
    assert seen == [(None, 4), (4, 2)]


def test_run_ends_at_its_time_limit(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(reconciling, "LONGEST_RUN_SECONDS", -1.0)

    assert in_batches(lambda _, count: (Counts(count), 1), limit=100, size=10) == Counts(10)

    assert caplog.messages == ["reconcile.cut_short"]


class TestTheProductsReconcilers:
    @pytest.fixture
    def table(self, settings: Any, registered: None) -> dict[str, tuple[str, int]]:  # noqa: ARG002
        table: dict[str, tuple[str, int]] = import_module("leadswitch.settings").LEADSWITCH_RECONCILERS
        settings.LEADSWITCH_RECONCILERS = table
        return table

    def test_each_is_run_by_beat_with_a_period_of_its_own(self, table: dict[str, Any]) -> None:
        beat = product_settings.CELERY_BEAT_SCHEDULE
        for reconciler in list_reconcilers():
            entry = beat[f"reconcile-{reconciler.name}"]
            assert entry["args"] == (reconciler.name,)
            assert entry["task"] == reconcile.name
            assert entry["schedule"] == entry["options"]["expires"] == reconciler.period_seconds
        assert len([name for name in beat if name.startswith("reconcile-")]) == len(table)

    def test_each_is_in_the_documentation(self, table: dict[str, Any]) -> None:
        text = (REPOSITORY / "docs" / "reconcilers.md").read_text()
        assert [name for name in table if f"`{name}`" not in text] == []

    def test_none_finds_anything_in_an_empty_database(self, table: dict[str, Any]) -> None:
        code, lines = run_command()
        assert (code, lines[-1]) == (0, "reconcile: no drift found")
        # Payments also say that no account is set up.
        assert list(dict.fromkeys(line.split()[0] for line in lines[1:-1])) == list(table)
        assert run_command("--fix")[0] == 0
