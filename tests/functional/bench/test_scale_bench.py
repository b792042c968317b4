"""The scale bench fills a small history, measures every part, and reports what is over budget. Nothing is timed."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from distribution.models import Assignment, LedgerEntry, Wallet
from distribution.verify import run_verification
from routing.intake.identity import identify
from routing.models import Lead, Workspace
from tests.bench.scale.clock import Elapsed
from tests.bench.scale.database import prepare
from tests.bench.scale.measure import MAX_ROWS, _judge, _judged_ms
from tests.bench.scale.run import main
from tests.bench.scale.size import KINDS, Size
from tests.bench.scale.targets import PARTS, YEAR_PARTS, Target
from tests.support.factories import SourceFactory, WorkspaceFactory
from tests.support.filling import fill_leads
from tests.support.row_counter import RowCounter
from tracing.models import Attempt, LeadDistributionEvent

LEADS = 600


SOME = (
    *("/readyz", "/admin/routing/retryinglead/", "/admin/routing/lead/?status__exact=calling"),
    *("/trace/", "/change/", "buyer/ledger/", "keys list", "reconcile schedule", "verify"),
)


@pytest.mark.usefixtures("committed_db", "redis_client")
def test_run_fills_and_measures_every_part_and_keeps_the_history(tmp_path: Path, settings: Any) -> None:
    settings.VAR_DIR = tmp_path
    output = StringIO()

    run(*(f"--only={name}" for name in SOME), output=output)

    report = json.loads((tmp_path / "bench" / "scale.json").read_text())
    assert {each["part"] for each in report["targets"]} == set(YEAR_PARTS)
    names = {each["name"] for each in report["targets"]}
    assert [name for name in SOME if not any(name in each for each in names)] == []
    assert "Aims" in output.getvalue()
    newest = Lead.objects.latest("pk").pk
    run("--only=keys", "--part=commands")
    assert Lead.objects.latest("pk").pk == newest


def run(*options: str, output: StringIO | None = None) -> None:
    """Its exit code says whether the run was slow on this machine, which does not matter here."""
    assert main([f"--leads={LEADS}", "--uses=2", *options], stream=output or StringIO()) in (0, 1)


@pytest.mark.usefixtures("committed_db", "redis_client")
def test_product_could_have_written_the_history() -> None:
    prepare(Size(LEADS), is_fresh=True, on_progress=lambda _: None)

    report = run_verification()
    assert [(each.name, found.examples) for each, found in report.results if found.breaches] == []
    unchecked = [each.name for each, found in report.results if found.checked == 0]
    # No buyer or source of the history has an endpoint, and no buyer has net terms.
    assert unchecked == ["deliveries", "subscriptions", "statements"]
    assert 0.7 * LEADS < Lead.objects.count() < 1.5 * LEADS
    assert set(Lead.objects.values_list("status", flat=True)) >= {
        "pending",
        "returned",
        "duplicate",
        "failed",
    }
    assert Attempt.objects.count() > LEADS / 2
    assert LeadDistributionEvent.objects.count() > 5 * LEADS
    assert (
        LedgerEntry.objects.filter(kind="refund").count()
        == Assignment.objects.filter(state="returned").count()
    )
    assert Wallet.objects.exclude(balance_cents=0).exists()
    lead = Lead.objects.exclude(status="duplicate").first()
    assert lead is not None
    assert (lead.email_hash, lead.phone_hash) == identify(email=lead.email, phone=lead.phone)
    assert list(
        LeadDistributionEvent.objects.order_by("attempt_id", "seq").values_list("pk", flat=True)
    ) == sorted(LeadDistributionEvent.objects.values_list("pk", flat=True))


@pytest.mark.usefixtures("committed_db")
def test_foreign_database_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    WorkspaceFactory(slug="theirs")
    assert main(["--leads", "10", "--fresh", "--fill-only"]) == 2
    assert "workspaces that this bench did not make" in capsys.readouterr().err
    assert Workspace.objects.filter(slug="theirs").exists()


@pytest.mark.parametrize(
    ("first", "last", "rows", "problem"),
    [
        (20.0, 99.0 / 2, 10, "slower with use"),
        (20.0, 34.0, 10, ""),
        (90.0, 101.0, 10, "over its budget"),
        (5.0, 5.0, MAX_ROWS + 1, "reads history"),
    ],
)
def test_exceeded_budget_is_reported(first: float, last: float, rows: int, problem: str) -> None:
    assert _judge(first, last, budget_ms=100, rows=rows) == problem


@pytest.mark.django_db
def test_discarded_rows_are_counted() -> None:
    source = SourceFactory()
    fill_leads(source, count=2_000)
    counter = RowCounter()

    with connection.execute_wrapper(counter):
        assert not Lead.objects.filter(zip="nowhere").exists()
        assert Lead.objects.filter(source=source, city="").count() == 2_000

    assert counter.rows == 4_000


def test_every_lead_has_one_outcome() -> None:
    assert sum(kind.share for kind in KINDS.values()) == pytest.approx(1)


@pytest.mark.parametrize("part", PARTS)
def test_work_of_other_processes_is_judged_by_wall_time(part: str) -> None:
    """`verify` works in its own processes and sessions, so the CPU time of this process says nothing about it."""
    elapsed = Elapsed(wall_ms=60_000.0, work_ms=700.0)
    judged_ms = _judged_ms(elapsed, Target(part, part, lambda: None))
    assert judged_ms == (60_000.0 if part == "verify" else 700.0)
