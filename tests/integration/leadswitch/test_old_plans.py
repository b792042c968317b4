"""A migration changes a column under connections with prepared statements: statements that can be repeated are."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import NotSupportedError, connection, transaction
from django.test import Client

from distribution.attempts import distribute
from distribution.attempts.distribute import distribute_lead, distribute_next_due
from distribution.attempts.outcome import AttemptOutcome
from distribution.models import Campaign
from leadswitch.postgres import base
from routing.dispatch.publish import PROCESS_LEADS, send_wake
from routing.metrics.postgres import OLD_PLANS
from routing.models import Lead, Source
from routing.postgres_errors import is_old_plan, is_outage
from tests.support.factories import CampaignFactory, SourceFactory, enroll, issue_key
from tests.support.processes import WORKER, celery
from tests.support.race_leads import assert_verified, make_leads
from tests.support.racing import race
from tests.support.waiting import wait_until
from tracing.models import Attempt

pytestmark = pytest.mark.usefixtures("committed_db", "redis_client")

USES = 8  # a statement is prepared after five
# Of the first statement of an attempt, and of a later one: (table, column, old type, new type).
FIRST = ("routing_lead", "vertical", "varchar(100)", "varchar(120)")
LATER = ("distribution_enrollment", "last_assigned_at", "timestamptz", "timestamptz(5)")
OF_INTAKE = ("routing_lead", "received_at", "timestamptz", "timestamptz(5)")
EVERY_SOURCE = "SELECT * FROM routing_source WHERE id > %s"

Column = tuple[str, str, str, str]


@contextmanager
def altered(column: Column) -> Iterator[None]:
    """Change the column as a migration does, on another connection."""
    table, name, before, after = column
    alter = f"ALTER TABLE {table} ALTER COLUMN {name} TYPE "
    race([partial(execute, alter + after)])
    try:
        yield
    finally:
        race([partial(execute, alter + before)])


def execute(sql: str, parameters: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


@pytest.fixture
def campaign() -> Campaign:
    campaign: Campaign = CampaignFactory(price_cents=100)
    enroll(campaign, count=1, credits_cents=1_000_000)
    return campaign


def begun_again(what: str) -> float:
    return OLD_PLANS.labels(again=what)._value.get()


def count_prepared() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("find", [distribute_lead, lambda _: distribute_next_due()], ids=["finished", "none"])
def test_empty_runs_keep_the_plans(campaign: Campaign, find: Callable[[int], AttemptOutcome]) -> None:
    """Duplicate messages and empty scans are frequent. Neither makes the next attempt plan again."""
    lead_ids = make_leads(campaign, count=USES)
    for each in lead_ids:
        distribute_lead(each)
    prepared = count_prepared()
    assert prepared

    outcome = find(lead_ids[0])

    assert outcome.not_run is not None
    assert count_prepared() >= prepared


@pytest.mark.parametrize(("column", "what"), [(FIRST, "statement"), (LATER, "attempt")])
def test_attempt_restarts_and_sells(campaign: Campaign, column: Column, what: str) -> None:
    *before, lead_id, another = make_leads(campaign, count=USES + 2)
    for each in before:
        distribute_lead(each)
    counted = begun_again(what)

    with altered(column):
        outcomes = [distribute_lead(lead_id), distribute_lead(another)]

    assert [each.result for each in outcomes] == ["success", "success"]
    assert begun_again(what) == counted + 1
    assert Attempt.objects.filter(lead_id=lead_id).count() == 1
    assert Lead.objects.get(pk=lead_id).errors == 0
    assert_verified()


@pytest.mark.parametrize("column", [FIRST, LATER])
def test_control_without_a_restart_the_attempt_fails(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, column: Column
) -> None:
    *before, lead_id = make_leads(campaign, count=USES + 1)
    for each in before:
        distribute_lead(each)
    for module in (base, distribute):
        monkeypatch.setattr(module, "is_old_plan", lambda _error: False)

    with altered(column), pytest.raises(NotSupportedError):
        distribute_lead(lead_id)

    assert Lead.objects.get(pk=lead_id).attempts == 0


@pytest.mark.parametrize("is_atomic", [True, False])
def test_first_statement_runs_again_with_all_columns(*, is_atomic: bool) -> None:
    SourceFactory()
    for number in range(USES):
        execute(EVERY_SOURCE, [-number])
    race([partial(execute, "ALTER TABLE routing_source ADD COLUMN extra text DEFAULT 'new'")])
    try:
        with transaction.atomic() if is_atomic else connection.cursor(), connection.cursor() as cursor:
            cursor.execute(EVERY_SOURCE, [0])
            [row] = cursor.fetchall()
        assert row[-1] == "new"
    finally:
        race([partial(execute, "ALTER TABLE routing_source DROP COLUMN extra")])


@transaction.atomic
def rename_and_read() -> None:
    Source.objects.update(name="changed")
    execute(EVERY_SOURCE, [0])


def test_later_statement_is_not_repeated_alone() -> None:
    """The earlier statements of the transaction would be lost."""
    SourceFactory()
    for number in range(USES):
        execute(EVERY_SOURCE, [-number])
    race([partial(execute, "ALTER TABLE routing_source ADD COLUMN extra text")])
    try:
        with pytest.raises(NotSupportedError) as raised:
            rename_and_read()
        assert is_old_plan(raised.value)
        assert is_outage(raised.value)
        assert not Source.objects.filter(name="changed").exists()
        execute(EVERY_SOURCE, [0])
    finally:
        race([partial(execute, "ALTER TABLE routing_source DROP COLUMN extra")])


def test_other_refusals_of_a_feature_are_raised() -> None:
    with pytest.raises(NotSupportedError) as raised:
        execute(
            "SELECT * FROM routing_source, pg_catalog.generate_series(1, 2) FOR UPDATE OF generate_series"
        )
    assert not is_old_plan(raised.value)
    assert not is_outage(raised.value)


@pytest.mark.parametrize(("has_key", "codes"), [(False, [201, 409]), (True, [503, 201])])
def test_sender_gets_an_answer_or_a_retryable_error(codes: list[int], *, has_key: bool) -> None:
    """With an idempotency key the lead is stored in a transaction that began before it."""
    authorization = {"Authorization": f"Api-Key {issue_key(SourceFactory())}"}

    def send(number: int) -> Any:
        headers = {**authorization, **({"Idempotency-Key": f"form-{number}"} if has_key else {})}
        lead = {"zip": "30312", "email": "ada@example.com", "external_id": str(number)}
        return Client(headers=headers).post("/api/v1/leads/", lead, content_type="application/json")

    assert [send(number).status_code for number in range(USES)] == [201] * USES
    with altered(OF_INTAKE):
        answers = [send(USES), send(USES)]

    assert [each.status_code for each in answers] == codes
    assert (answers[0].get("Retry-After") is not None) == has_key
    assert Lead.objects.count() == USES + 1


def test_worker_survives_a_migration(campaign: Campaign, tmp_path: Path) -> None:
    lead_ids = make_leads(campaign, count=3 * USES)
    sold = Lead.objects.filter(status="distributed", attempts=1)

    with celery(tmp_path, *WORKER):
        for number, column in enumerate([None, FIRST, LATER], start=1):
            part = lead_ids[(number - 1) * USES : number * USES]
            if column is None:
                send_wake(PROCESS_LEADS, args=[part])
                wait_until(lambda: sold.count() == USES, what="the first leads")
                continue
            with altered(column):
                send_wake(PROCESS_LEADS, args=[part])
                wait_until(lambda: sold.count() == number * USES, what="the leads after the change")  # noqa: B023 - called in this round alone

    assert Attempt.objects.exclude(result="success").count() == 0
    assert_verified()
