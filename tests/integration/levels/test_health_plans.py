"""What the page "Health" reads: hours and days by index, no attempts, and no more of the queue than its limits."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from leadswitch.levels.health_page import current_state, rollup_reads
from leadswitch.levels.health_page.card import read_health_card
from leadswitch.levels.health_page.page import read_health
from leadswitch.levels.health_page.window import WINDOWS, make_window
from routing.leads import undecided
from routing.leads.due_retries import only_due
from routing.models import RetryingLead, Workspace
from tests.support.factories import SourceFactory, WorkspaceFactory
from tests.support.filling import fill_leads
from tests.support.plans import read_by_table
from tests.support.planting import plant
from tests.support.row_counter import is_read
from tracing.rollups.edges import BINS

pytestmark = pytest.mark.usefixtures("committed_db", "redis_client")

# Of days 40, of hours those of the longest window that is shown by the hour.
DAYS, HOUR_DAYS = 40, 8
RESULTS = ("success", "unsold", "duplicate", "expired")
WORKSPACES = 60
LEADS = 20_000
LIMIT = 500
_BINS = f"array_fill(1, ARRAY[{BINS}])"
_VALUES = f"24, {_BINS}, {_BINS}, {_BINS}"
_COLUMNS = "result, skip_reason, count, duration_bins, due_bins, receipt_bins"


def since(days: int, step: str) -> str:
    """Includes the next hour or day, which may begin before the page is read."""
    return f"""generate_series(
        date_trunc('day', now(), 'UTC') - interval '{days} days', now() + interval '1 {step}', interval '1 {step}'
    ) AS hour, unnest(%(results)s::text[]) AS result"""


FILL_HOURS = f"""
INSERT INTO tracing_attempthour (hour, source_workspace_id, destination_workspace_id, {_COLUMNS})
SELECT hour, w, w, result, '', {_VALUES} FROM {since(HOUR_DAYS, "hour")}, unnest(%(workspaces)s::bigint[]) AS w
"""
FILL_DAYS = f"""
INSERT INTO tracing_attemptday (hour, destination_workspace_id, {_COLUMNS})
SELECT hour, w, result, '', {_VALUES} FROM {since(DAYS, "day")}, unnest(%(workspaces)s::bigint[]) AS w
"""
FILL_WORKSPACES = f"""
INSERT INTO tracing_workspace{{step}} (hour, destination_workspace_id, count, duration_bins, due_bins, receipt_bins)
SELECT hour, destination_workspace_id, 24 * count(*), {_BINS}, {_BINS}, {_BINS}
FROM tracing_attempt{{step}} GROUP BY 1, 2
"""
FILL_TOTALS = f"""
INSERT INTO tracing_attempthourtotal (hour, {_COLUMNS}) SELECT hour, result, '', {_VALUES} FROM {since(DAYS, "hour")}
"""

FILLED = (
    *("tracing_attempthour", "tracing_attemptday", "tracing_attempthourtotal"),
    *("tracing_workspacehour", "tracing_workspaceday"),
)
Statement = tuple[str, Any]


@pytest.fixture
def workspaces(committed_db: None) -> list[Workspace]:  # noqa: ARG001
    made = [WorkspaceFactory.create() for _ in range(WORKSPACES)]
    values = {"results": list(RESULTS), "workspaces": [each.pk for each in made]}
    plant(FILL_HOURS, values)
    plant(FILL_DAYS, values)
    plant(FILL_TOTALS, values)
    for step in ("hour", "day"):
        plant(FILL_WORKSPACES.format(step=step))
    with connection.cursor() as cursor:
        for table in ("routing_workspace", *FILLED):
            cursor.execute(f"VACUUM ANALYZE {table}")
    return made


def record(read: Callable[[], object]) -> list[Statement]:
    """The statements that a part of the page runs."""
    found: list[Statement] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 - Django's signature
        if is_read(sql):
            found.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        read()
    return found


def read_tables(statements: list[Statement]) -> dict[str, tuple[set[str], float]]:
    """By table: the indexes used by all statements, and the most rows that one of them reads."""
    found: dict[str, tuple[set[str], float]] = {}
    for sql, parameters in statements:
        for table, (indexes, rows) in read_by_table(sql, parameters).items():
            before, most = found.get(table, (set(), 0))
            found[table] = before | indexes, max(most, rows)
    return found


def record_page(window: str, ids: list[int] | None) -> list[Statement]:
    at = timezone.now()
    return record(lambda: read_health(at=at, window=make_window(window, at=at), ids=ids, workspace_id=None))


@pytest.mark.parametrize("window", WINDOWS)
def test_workspace_is_read_through_its_indexes(workspaces: list[Workspace], window: str) -> None:
    statements = record_page(window, [workspaces[0].pk])
    found = read_tables(statements)
    indexes, rows = found["tracing_attemptday"]
    assert indexes <= {"attemptday_cell_unique", "attemptday_workspace"}
    assert rows <= 30 * len(RESULTS)
    indexes, rows = found.get("tracing_attempthour", (set(), 0))
    assert indexes <= {"attempthour_workspace", "attempthour_cell_unique", "attempthour_result"}
    assert rows <= {"24h": 24, "7d": 7 * 24, "30d": 0}[window] * len(RESULTS)
    step, steps = {"24h": ("hour", 24), "7d": ("hour", 7 * 24), "30d": ("day", 30)}[window]
    assert found[f"tracing_workspace{step}"] == ({f"workspace{step}_cell_unique"}, steps)
    assert "tracing_attempthourtotal" not in found
    of_attempts = [sql for sql, _ in statements if "tracing_attempt " in sql]
    assert of_attempts == [rollup_reads.UNCOUNTED_OF_WORKSPACES]  # by id, those that wait to be counted


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.usefixtures("workspaces")
def test_all_workspaces_are_read_from_the_totals(window: str) -> None:
    """Only the workspaces with the most duplicates are found in the hours or days of each."""
    found = read_tables(record_page(window, None))
    assert found["tracing_attempthourtotal"][1] <= ((DAYS + 1) * 24 + 1) * len(RESULTS)
    assert "tracing_attempt" not in found
    of_each = "tracing_attemptday" if window == "30d" else "tracing_attempthour"
    assert of_each in found
    assert len({"tracing_attemptday", "tracing_attempthour"} & set(found)) == 1


def test_card_reads_days_and_no_attempts(workspaces: list[Workspace]) -> None:
    at = timezone.now()
    whole = read_tables(record(lambda: read_health_card(None, at=at)))
    own = read_tables(record(lambda: read_health_card([workspaces[0].pk], at=at)))
    assert own["tracing_attemptday"][0] <= {"attemptday_cell_unique", "attemptday_workspace"}
    assert not {"tracing_attempthour", "tracing_attempt"} & {*whole, *own}


@pytest.mark.parametrize("is_whole", [True, False])
def test_leads_that_wait_are_read_up_to_the_limit(is_whole: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    monkeypatch.setattr(undecided, "MAX_UNDECIDED", LIMIT)
    monkeypatch.setattr(undecided, "MAX_EARLIEST", LIMIT)
    source = SourceFactory()
    fill_leads(source, count=LEADS, attempts="1", next_attempt_at="now() - n * interval '1 second'")
    ids = None if is_whole else [source.workspace_id]
    indexes, rows = read_tables(record(lambda: current_state.read_current_state(ids, most=LIMIT)))[
        "routing_lead"
    ]
    assert indexes == {"lead_retry_queue", "lead_workspace_due", "lead_locked"}
    assert rows <= LIMIT


def test_list_behind_the_due_retries_is_read_through_the_queue() -> None:
    source = SourceFactory()
    WorkspaceFactory(paused_at=timezone.now())
    fill_leads(source, count=LEADS, attempts="1", next_attempt_at="now() - n * interval '1 second'")
    first = only_due(RetryingLead.objects.order_by("next_attempt_at", "pk"))[:LIMIT]
    indexes, rows = read_by_table(*first.query.sql_with_params())["routing_lead"]
    assert (indexes, rows) == ({"lead_retry_queue"}, LIMIT)
