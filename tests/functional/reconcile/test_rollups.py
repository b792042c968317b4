"""`reconcile rollups`: every attempt is counted once, in its hour, whenever it was committed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from routing.reconcile import Counts, find_reconciler, run_reconciler
from tests.support.attempts import add_attempt
from tests.support.planting import plant
from tests.support.racing import race
from tests.support.times import latest_noon
from tracing.models import (
    Attempt,
    AttemptDay,
    AttemptHour,
    AttemptHourTotal,
    RollupState,
    UncountedAttempt,
    WorkspaceDay,
    WorkspaceHour,
)
from tracing.reconcile import rollups
from tracing.rollups.edges import BINS, EDGES_SECONDS

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def now() -> Iterator[datetime]:
    """The hour and the day do not end during a test."""
    with time_machine.travel(latest_noon(), tick=True):
        yield timezone.now()


def run(*, fix: bool = True) -> Counts:
    return run_reconciler(find_reconciler("rollups"), fix=fix)


def bins(**places: int) -> list[int]:
    """`le_2=1`: one at most 2 s, `above=1`: one above the last edge."""
    counts = [0] * BINS
    for name, number in places.items():
        edge = name.removeprefix("le_").replace("_", ".")
        counts[-1 if name == "above" else EDGES_SECONDS.index(float(edge))] = number
    return counts


def total() -> int:
    return sum(AttemptHour.objects.values_list("count", flat=True))


def test_attempts_are_counted_by_hour_workspace_and_result(now: datetime) -> None:
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for minutes in (0, 59):
        add_attempt(hour - timedelta(minutes=60 - minutes), due_seconds=2, received_seconds=61)
    add_attempt(hour, workspace_id=8, result="unsold", skip_reason="no_campaign", due_seconds=2.001)

    assert run() == Counts(checked=3)

    first, second = AttemptHour.objects.order_by("hour").values()
    assert first == {
        "id": first["id"],
        "hour": hour - timedelta(hours=1),
        "source_workspace_id": 7,
        "destination_workspace_id": 7,
        "result": "success",
        "skip_reason": "",
        "count": 2,
        "duration_bins": bins(le_0_025=2),
        "due_bins": bins(le_2=2),
        "receipt_bins": bins(le_300=2),
    }
    assert (second["hour"], second["skip_reason"], second["count"]) == (hour, "no_campaign", 1)
    assert second["due_bins"] == bins(le_5=1)
    assert second["receipt_bins"] == bins()
    assert AttemptHourTotal.objects.count() == 2


def test_count_grows_and_is_not_repeated(now: datetime) -> None:
    for _ in range(3):
        add_attempt(now, due_seconds=400)
        run()
    run()
    [cell] = AttemptHour.objects.all()
    [of_all] = AttemptHourTotal.objects.all()
    assert (cell.count, cell.due_bins) == (of_all.count, of_all.due_bins) == (3, bins(above=3))
    assert not UncountedAttempt.objects.exists()


def test_first_decision_alone_is_measured_from_the_receipt(now: datetime) -> None:
    """A retry decides nothing, and a later attempt of a decided lead is not its first decision."""
    for number, result in enumerate(("retry", "deferred", "success"), start=1):
        add_attempt(now, lead_id=5, number=number, result=result, due_seconds=1, received_seconds=10)
    run()
    cells = {each.result: each for each in AttemptHour.objects.all()}
    assert cells["retry"].receipt_bins == cells["retry"].due_bins == bins()
    assert cells["deferred"].receipt_bins == bins(le_10=1)
    assert (cells["success"].receipt_bins, cells["success"].due_bins) == (bins(), bins(le_1=1))


def test_attempt_that_commits_late_is_counted(now: datetime) -> None:
    """Its id and time are older than those of an attempt that is counted already."""

    def commit_late() -> int:
        with transaction.atomic():
            add_attempt(now - timedelta(minutes=5))
            # Another connection commits a later attempt and counts it, in the middle of this transaction.
            race([lambda: (add_attempt(now), run())])
            return total()

    assert commit_late() == 1
    run()
    assert total() == 2
    assert run(fix=False) == Counts(checked=2)


def test_watermark_on_ids_would_miss_the_late_attempt(now: datetime) -> None:
    """The control: rows after the newest counted one are not all that are uncounted."""
    with transaction.atomic():
        late = add_attempt(now - timedelta(minutes=5))
        race([lambda: (add_attempt(now), run())])
        newest = max(race([lambda: list(Attempt.objects.values_list("id", flat=True))])[0])
    assert late.id < newest
    assert list(Attempt.objects.filter(id__gt=newest)) == []
    assert list(UncountedAttempt.objects.values_list("attempt_id", flat=True)) == [late.id]


def test_runs_at_once_count_every_attempt_once(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollups, "ATTEMPTS_PER_BATCH", 3)
    for _ in range(20):
        add_attempt(now)
    race([partial(rollups.run, fix=True, limit=1000)] * 3)
    assert total() == 20
    assert run(fix=False) == Counts(checked=20)


def test_attempts_from_before_the_first_count_are_counted_in_steps(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollups, "ATTEMPTS_PER_BATCH", 4)
    for _ in range(10):
        add_attempt(now)
    plant("DELETE FROM tracing_uncountedattempt")
    queued = [add_attempt(now).id for _ in range(3)]

    rollups.run(fix=True, limit=4)
    state = RollupState.objects.get()
    assert (total(), state.is_history_counted) == (4, False)
    assert UncountedAttempt.objects.count() == len(queued)
    assert run(fix=False) == Counts(checked=4)

    run()
    assert (total(), RollupState.objects.get().is_history_counted) == (13, True)
    assert run(fix=False) == Counts(checked=13)


@pytest.mark.finds("rollups")
def test_wrong_hour_is_reported_and_recounted(now: datetime) -> None:
    add_attempt(now - timedelta(hours=3), due_seconds=1)
    run()
    right = list(AttemptHour.objects.values("count", "due_bins"))
    AttemptHour.objects.update(count=9)
    hour = (now - timedelta(hours=3)).astimezone(UTC)

    found = run(fix=False)
    # A day is compared with its first hour: it is not the sum of its hours either.
    wrong = {f"hour {each:%Y-%m-%dT%H}" for each in (hour, hour.replace(hour=0))}
    assert found == Counts(checked=1, skipped=len(wrong))
    assert set(found.named) == wrong
    assert AttemptHour.objects.get().count == 9

    RollupState.objects.update(recounted_to=hour.replace(minute=0, second=0, microsecond=0) - rollups.HOUR)
    assert run() == Counts(checked=1, repaired=1)
    assert list(AttemptHour.objects.values("count", "due_bins")) == right
    assert run(fix=False) == Counts(checked=1)


def test_row_without_attempts_is_found_and_removed(now: datetime) -> None:
    add_attempt(now)
    run()
    hour = AttemptHourTotal.objects.get().hour
    AttemptHourTotal.objects.update(skip_reason="no_campaign")

    assert run(fix=False).skipped == 1
    RollupState.objects.update(recounted_to=hour - rollups.HOUR)
    run()
    assert list(AttemptHourTotal.objects.values_list("skip_reason", "count")) == [("", 1)]


def test_each_run_recounts_the_next_hour_and_begins_again(now: datetime) -> None:
    run()
    first = RollupState.objects.get().recounted_to
    assert first is not None
    assert now - first <= rollups.RECOUNTED + rollups.HOUR
    run()
    assert RollupState.objects.get().recounted_to == first + rollups.HOUR
    RollupState.objects.update(recounted_to=timezone.now())
    run()
    assert RollupState.objects.get().recounted_to in {first, first + rollups.HOUR}


DAY_KEY = ("destination_workspace_id", "result", "skip_reason")
WORKSPACE_KEY = ("destination_workspace_id",)
ALL_BINS = ("duration_bins", "due_bins", "receipt_bins")
Cells = dict[tuple[object, ...], tuple[int, list[list[int]]]]


def stored(table: type[AttemptDay | WorkspaceDay | WorkspaceHour], key: tuple[str, ...]) -> Cells:
    return {
        (each.hour, *(getattr(each, name) for name in key)): (
            each.count,
            [getattr(each, name) for name in ALL_BINS],
        )
        for each in table.objects.all()
    }


def added_up(key: tuple[str, ...], *, is_by_day: bool) -> Cells:
    """The hours by workspaces and result, added up to fewer cells."""
    cells: Cells = {}
    for each in AttemptHour.objects.all():
        hour = each.hour.astimezone(UTC)
        cell = (hour.replace(hour=0) if is_by_day else hour, *(getattr(each, name) for name in key))
        count, bins_of_cell = cells.get(cell, (0, [[0] * BINS for _ in ALL_BINS]))
        added = [
            [old + new for old, new in zip(before, getattr(each, name), strict=True)]
            for before, name in zip(bins_of_cell, ALL_BINS, strict=True)
        ]
        cells[cell] = (count + each.count, added)
    return cells


def assert_sums_are_right() -> None:
    assert stored(AttemptDay, DAY_KEY) == added_up(DAY_KEY, is_by_day=True)
    assert stored(WorkspaceDay, WORKSPACE_KEY) == added_up(WORKSPACE_KEY, is_by_day=True)
    assert stored(WorkspaceHour, WORKSPACE_KEY) == added_up(WORKSPACE_KEY, is_by_day=False)


@pytest.mark.parametrize("source_id", [7, 8])
def test_days_and_workspaces_are_sums_of_hours(now: datetime, source_id: int) -> None:
    """Of every workspace that sends to the same one."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for hours in (1, 5, 23, 25):
        add_attempt(midnight - timedelta(hours=hours), due_seconds=hours, received_seconds=70)
        add_attempt(midnight - timedelta(hours=hours), result="unsold", skip_reason="no_campaign")
        run()
    add_attempt(midnight - timedelta(hours=5), due_seconds=1)
    plant("UPDATE tracing_attempt SET source_workspace_id = %s WHERE number = 1", [source_id])
    run()
    assert_sums_are_right()
    assert sorted(each.count for each in AttemptDay.objects.all()) == [1, 1, 3, 4]
    assert sorted(each.count for each in WorkspaceDay.objects.all()) == [2, 7]
    assert sorted(each.count for each in WorkspaceHour.objects.all()) == [2, 2, 2, 3]


def test_migration_adds_up_the_hours_that_are_there(now: datetime) -> None:
    for hours in (0, 1, 30):
        add_attempt(now - timedelta(hours=hours), due_seconds=hours, received_seconds=70)
        add_attempt(now - timedelta(hours=hours), result="unsold", skip_reason="no_campaign")
    run()
    plant("DELETE FROM tracing_workspacehour")
    plant("DELETE FROM tracing_workspaceday")
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in import_module("tracing.migrations.0017_workspace_rollups").ADD_UP_HOURS:
            cursor.execute(statement)
    assert_sums_are_right()
    assert run(fix=False).found == 0


@pytest.mark.parametrize("table", ["tracing_workspacehour", "tracing_workspaceday"])
@pytest.mark.parametrize("damage", ["UPDATE {} SET due_bins = receipt_bins", "DELETE FROM {}"])
def test_wrong_times_of_a_workspace_are_found_and_repaired(now: datetime, table: str, damage: str) -> None:
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    add_attempt(midnight, due_seconds=1)
    run()
    plant(damage.format(table))
    assert run(fix=False).skipped == 1
    RollupState.objects.update(recounted_to=midnight - timedelta(hours=1))
    assert run().repaired == 1
    assert_sums_are_right()
    assert run(fix=False).found == 0


@pytest.mark.parametrize(
    "damage", ["UPDATE tracing_attemptday SET count = 9", "DELETE FROM tracing_attemptday"]
)
def test_wrong_day_is_found_and_repaired(now: datetime, damage: str) -> None:
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for hours in (0, 2):
        add_attempt(midnight - timedelta(days=1) + timedelta(hours=hours), due_seconds=1)
    run()
    right = stored(AttemptDay, DAY_KEY)
    plant(damage)
    assert run(fix=False).skipped == 1
    RollupState.objects.update(recounted_to=midnight - timedelta(days=1, hours=1))
    assert run().repaired == 1
    assert stored(AttemptDay, DAY_KEY) == right
    assert_sums_are_right()
    assert run(fix=False).found == 0
