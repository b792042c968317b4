"""The part `health` of the scale bench: its month, its report and the plans in it. Nothing is timed."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from routing.models import Lead
from tests.bench.scale.database import separate_database
from tests.bench.scale.health.fill import fill_month
from tests.bench.scale.health.part import judge_health
from tests.bench.scale.health.size import ENDINGS, HOURS, UNCOUNTED, MonthSize
from tests.bench.scale.health.statements import Explained, find_slowest
from tests.bench.scale.run import main
from tracing.models import Attempt, AttemptHour, AttemptHourTotal, UncountedAttempt
from tracing.reconcile import rollups

ATTEMPTS = 2_000


@pytest.fixture
def other_database(committed_db: None) -> Iterator[None]:  # noqa: ARG001
    """The database of the part is dropped after the test."""
    yield
    with connection.cursor() as cursor:
        name = connection.ops.quote_name(f"{connection.settings_dict['NAME']}_health")
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.mark.usefixtures("other_database", "redis_client")
def test_part_measures_every_page_in_its_own_database(tmp_path: Path, settings: Any) -> None:
    settings.VAR_DIR = tmp_path
    output, before = StringIO(), connection.settings_dict["NAME"]

    code = main([f"--leads={ATTEMPTS}", "--uses=1", "--only=health"], stream=output)

    assert code in (0, 1)  # it says whether this machine was slow
    assert connection.settings_dict["NAME"] == before
    assert not Attempt.objects.exists()
    report = json.loads((tmp_path / "bench" / "scale.json").read_text())
    assert report["targets"] == []
    health = report["health"]
    names = [page["name"] for page in health["pages"]]
    assert len(names) == len(set(names)) == 3 * 3 + 3
    assert all(page["statements"] > 3 for page in health["pages"])
    assert {"tracing_attempt", "routing_lead"} <= set(health["tables"])
    read = {table for plan in health["plans"] for table in plan["tables"]}
    assert "routing_lead" in read
    assert "tracing_attempthour" in read
    text = output.getvalue()
    assert all(plan["plan"].splitlines()[0] in text for plan in health["plans"])


@pytest.mark.usefixtures("other_database", "redis_client")
def test_second_run_uses_the_month_of_the_first(tmp_path: Path, settings: Any) -> None:
    settings.VAR_DIR = tmp_path
    seen = []
    for _ in range(2):
        main([f"--leads={ATTEMPTS}", "--uses=1", "--only=health"], stream=StringIO())
        with separate_database("_health"):
            seen.append(Attempt.objects.order_by("id")[0].pk)
    assert seen[0] == seen[1]


@pytest.mark.usefixtures("committed_db", "redis_client")
def test_month_is_counted_by_the_product() -> None:
    fill_month(MonthSize(ATTEMPTS), on_progress=lambda _: None)

    assert Attempt.objects.count() == ATTEMPTS + UNCOUNTED
    assert UncountedAttempt.objects.count() == UNCOUNTED
    for table in (AttemptHour, AttemptHourTotal):
        assert sum(table.objects.values_list("count", flat=True)) == ATTEMPTS
    assert rollups.run(fix=False, limit=10_000).found == 0
    assert set(Lead.objects.values_list("status", flat=True)) == {
        *(each.status for each in ENDINGS),
        "calling",
    }
    assert Attempt.objects.values("destination_workspace_id").distinct().count() == 4
    assert Attempt.objects.values("started_at__date").distinct().count() >= 34


def test_shares_sum_to_one_and_hours_cover_a_day() -> None:
    assert sum(each.share for each in ENDINGS) == pytest.approx(1)
    assert len(HOURS) == 24


def explained(page: str, sql: str, *, ms: float, table: str = "routing_lead") -> Explained:
    plan = (
        f"Limit (actual rows=1 loops=1)\n  ->  Seq Scan on {table} (actual rows=1)\nExecution Time: {ms} ms"
    )
    return Explained(page, sql, plan)


def test_slowest_use_of_each_statement_on_a_big_table_is_shown() -> None:
    found = [
        explained("a", "SELECT 1", ms=1.5),
        explained("b", "SELECT 1", ms=2.5),
        explained("b", "SELECT 2", ms=9.0),
        explained("b", "SELECT 3", ms=99.0, table="auth_user"),
    ]
    shown = [(each.page, each.sql, each.execution_ms) for each in find_slowest(found, {"routing_lead": 9})]
    assert shown == [("b", "SELECT 2", 9.0), ("b", "SELECT 1", 2.5)]


@pytest.mark.parametrize(("p95", "is_met"), [(99.9, True), (100.0, False)])
def test_slowest_page_is_judged(p95: float, is_met: bool) -> None:  # noqa: FBT001
    pages = [{"name": "a", "cpu_p95_ms": 3.0}, {"name": "b", "cpu_p95_ms": p95}]
    aim = judge_health({"pages": pages})
    assert (aim.is_met, aim.measured) == (is_met, f"slowest p95 {p95:.1f} ms (b)")
