"""Each gauge of the exporter, read from a product in a known state."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import pytest
from django.db import connection
from pytest_django import Settings

from leadswitch.database.connections import read_connection_budget
from leadswitch.levels.exporter.collector import AGE, DURATION, SUCCESS
from leadswitch.levels.exporter.collectors import (
    dispatch,
    hour,
    leads,
    money,
    postgres,
    redis,
    retries,
    tables,
)
from leadswitch.levels.exporter.collectors.registry import COLLECTORS
from leadswitch.levels.exporter.series import CollectorRow, Value
from leadswitch.levels.reports import report_database
from routing.dispatch import canary, schedule
from routing.dispatch.control import write_leader_heartbeat
from routing.dispatch.leadership import acquire_leadership
from routing.dispatch.workers import write_worker_heartbeat
from routing.metrics.reconcilers import RECONCILERS
from routing.models import DispatchPath, Workspace
from routing.redis import keys
from tests.support.attempts import add_attempt
from tests.support.factories import (
    BuyerFactory,
    EnrollmentFactory,
    LeadFactory,
    SourceFactory,
    WorkspaceFactory,
)
from tests.support.planting import plant
from tests.support.racing import in_background, open_transaction
from tests.support.reconciled import all_ran
from tests.support.schedule_state import fill_behind_a_pause, hold_started
from tests.support.schema import execute
from tests.support.switches import pause_product
from tests.support.times import due, later
from tests.support.waiting import wait_until_blocked

if TYPE_CHECKING:
    from redis import Redis

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]

NONE_LABELED: Final[Mapping[str, float]] = MappingProxyType({})


def read(row: CollectorRow) -> dict[str, Value]:
    """By name without the common prefix."""
    return {series.name.removeprefix("leadswitch_"): value for series, value in row.read().items()}


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def wait_in(workspace: Workspace, *, seconds: float, attempts: int = 0, **fields: object) -> None:
    """A pending lead that has been due for this long; below 0: it is due later."""
    source = workspace.sources.first() or SourceFactory(workspace=workspace)
    LeadFactory(source=source, next_attempt_at=ago(seconds), attempts=attempts, **fields)


@pytest.fixture
def agencies() -> tuple[Workspace, Workspace, Workspace]:
    """`large` and `small` run; `paused` does not."""
    large, small = WorkspaceFactory(slug="large"), WorkspaceFactory(slug="small")
    return large, small, WorkspaceFactory(slug="paused", paused_at=ago(60))


def test_series_are_named_once_and_have_help() -> None:
    known = [series for row in COLLECTORS for series in (row.answers, *row.series) if series is not None]
    known += [SUCCESS, DURATION, AGE]
    names = [series.name for series in known]
    assert len(set(names)) == len(names)
    assert all(name.startswith("leadswitch_") for name in names)
    assert all(series.help.endswith(".") for series in known)


@pytest.mark.parametrize("row", COLLECTORS, ids=lambda row: row.name)
def test_collector_reads_an_empty_product(row: CollectorRow) -> None:
    values = row.read()
    missing = set(row.series) - set(values)
    assert {series.name for series in missing} <= {
        "leadswitch_last_decision_age_seconds",
        "leadswitch_delivery_last_try_age_seconds",
        "leadswitch_last_dial_age_seconds",
    }
    for series, value in values.items():
        assert isinstance(value, Mapping) == bool(series.label), series.name


def test_due_retries_are_counted_by_workspace(
    agencies: tuple[Workspace, Workspace, Workspace], settings: Settings
) -> None:
    large, small, paused = agencies
    for seconds in (30, 90, 10):
        wait_in(large, seconds=seconds, attempts=1)
    wait_in(small, seconds=5, attempts=2)
    wait_in(small, seconds=-600, attempts=1)  # not due
    wait_in(small, seconds=600, attempts=1, paused_at=ago(1))
    wait_in(small, seconds=600)  # a first attempt
    wait_in(paused, seconds=600, attempts=1)

    values = read(retries.RETRIES)

    assert values.pop("retry_oldest_due_age_seconds") == pytest.approx(90, abs=5)
    assert values == {
        "retries_open": 7,
        "retries_due": 4,
        "retries_due_worst_workspace": 3,
        "workspace_retries_due": {"large": 3, "small": 1},
    }
    settings.LEADSWITCH_EXPORTER_WORST = 1
    assert read(retries.RETRIES)["workspace_retries_due"] == {"large": 3}


def test_no_retry_is_due() -> None:
    assert read(retries.RETRIES) == {
        "retries_open": 0,
        "retries_due": 0,
        "retry_oldest_due_age_seconds": 0,
        "retries_due_worst_workspace": 0,
        "workspace_retries_due": NONE_LABELED,
    }


def test_counts_stop_at_their_limit(
    agencies: tuple[Workspace, Workspace, Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    for seconds in (300, 200, 100):
        wait_in(agencies[0], seconds=seconds, attempts=1)
    monkeypatch.setattr(retries, "COUNTED_TO", 2)
    monkeypatch.setattr(leads, "COUNTED_TO", 2)
    values = read(retries.RETRIES)
    assert (values["retries_open"], values["retries_due"]) == (2, 2)
    values = read(leads.LEADS)
    assert values["leads_due"] == 2
    assert values["lead_oldest_due_age_seconds"] == pytest.approx(300, abs=5)


def test_leads_without_a_decision_are_counted_by_how_long_they_have_been_due(
    agencies: tuple[Workspace, Workspace, Workspace],
) -> None:
    large, small, paused = agencies
    for seconds in (0, 3, 30, 300):
        wait_in(large, seconds=seconds)
    wait_in(small, seconds=3_000, attempts=1)
    wait_in(small, seconds=9_000, paused_at=ago(1))
    wait_in(small, seconds=-60)
    wait_in(paused, seconds=9_000)

    values = read(leads.LEADS)

    assert values["leads_due"] == 5
    assert values["undecided_leads"] == {"latency": 4, "availability": 2}
    assert values["leads_overdue"] == 3
    assert values["lead_oldest_due_age_seconds"] == pytest.approx(3_000, abs=5)


def test_time_in_a_pause_is_no_delay(agencies: tuple[Workspace, Workspace, Workspace]) -> None:
    """A workspace that was resumed 30 seconds ago has leads that were due long before."""
    _, small, _ = agencies
    resumed = WorkspaceFactory(resumed_at=ago(30))
    for attempts in (0, 1):
        wait_in(resumed, seconds=9_000, attempts=attempts)
        wait_in(small, seconds=9_000, attempts=attempts, resumed_at=ago(1))

    counted = read(leads.LEADS)

    assert (counted["leads_due"], counted["leads_overdue"]) == (4, 2)
    assert counted["undecided_leads"] == {"latency": 2, "availability": 0}
    for oldest in (
        counted["lead_oldest_due_age_seconds"],
        read(retries.RETRIES)["retry_oldest_due_age_seconds"],
    ):
        assert isinstance(oldest, float)
        assert 30 <= oldest < 60


def test_leads_that_were_paused_do_not_hide_the_oldest(
    agencies: tuple[Workspace, Workspace, Workspace],
) -> None:
    """The first lead in due order was resumed a moment ago, and the second before the third became due."""
    large, *_ = agencies
    wait_in(large, seconds=9_000, resumed_at=ago(1))
    wait_in(large, seconds=8_000, resumed_at=ago(500))
    assert read(leads.LEADS)["lead_oldest_due_age_seconds"] == pytest.approx(500, abs=5)
    wait_in(large, seconds=300)
    assert read(leads.LEADS)["lead_oldest_due_age_seconds"] == pytest.approx(500, abs=5)
    wait_in(large, seconds=700, resumed_at=ago(800))
    assert read(leads.LEADS)["lead_oldest_due_age_seconds"] == pytest.approx(700, abs=5)


def test_no_lead_counts_as_due_while_the_product_is_paused(
    agencies: tuple[Workspace, Workspace, Workspace],
) -> None:
    wait_in(agencies[0], seconds=300, attempts=1)
    pause_product(at=ago(1), actor="ann", reason="maintenance")
    found = read(leads.LEADS)
    assert (found["leads_due"], found["leads_overdue"], found["lead_oldest_due_age_seconds"]) == (0, 0, 0)
    assert found["undecided_leads"] == {"latency": 0, "availability": 0}
    waiting = read(retries.RETRIES)
    assert (waiting["retries_open"], waiting["retries_due"]) == (1, 0)


def test_expired_leads_are_counted_for_a_day() -> None:
    for hours in (1, 23, 25):
        add_attempt(ago(hours * 3600), result="expired")
    add_attempt(ago(60), result="failed")
    assert read(leads.LEADS)["leads_expired_last_day"] == 2


def test_claims_that_lasted_too_long_are_counted(settings: Settings) -> None:
    source, limit = SourceFactory(), settings.LEADSWITCH_CLAIM_MAX_SECONDS
    for seconds in (limit - 60, limit + 60):
        LeadFactory(
            source=source, status="calling", next_attempt_at=None, locked_by="w", locked_at=ago(seconds)
        )
    assert read(leads.LEADS)["stale_locks"] == 1


def test_duplicates_and_failures_of_the_last_hour_are_counted_by_workspace(settings: Settings) -> None:
    one, two = WorkspaceFactory(slug="one"), WorkspaceFactory(slug="two")
    for minutes in (1, 50):
        add_attempt(ago(minutes * 60), workspace_id=one.pk, result="duplicate")
    add_attempt(ago(70 * 60), workspace_id=one.pk, result="duplicate")
    add_attempt(ago(600), workspace_id=two.pk, result="duplicate")
    add_attempt(ago(600), workspace_id=two.pk, result="failed")
    add_attempt(ago(600), workspace_id=two.pk, result="expired")
    add_attempt(ago(20), workspace_id=two.pk)
    add_attempt(ago(5), workspace_id=two.pk, result="retry")

    values = read(hour.HOUR)

    assert values["workspace_duplicates"] == {"one": 2, "two": 1}
    assert values["workspace_failures"] == {"two": 1}
    assert values["last_decision_age_seconds"] == pytest.approx(20, abs=5)
    settings.LEADSWITCH_EXPORTER_WORST = 1
    assert read(hour.HOUR)["workspace_duplicates"] == {"one": 2}


def test_age_of_the_last_decision_is_not_shown_without_one() -> None:
    add_attempt(ago(5), result="retry")
    assert "last_decision_age_seconds" not in read(hour.HOUR)


@pytest.mark.parametrize(
    ("credits_cents", "spent", "is_below"),
    [
        (10_000, {"day": 10_001}, 1),
        (10_000, {"day": 10_000}, 0),
        (10_000, {"day": 1, "week": 70_007, "month": 1}, 1),
        (10_000, {"day": 1, "week": 1, "month": 31 * 10_001}, 1),
        (0, {"day": 0}, 0),
    ],
)
def test_wallets_that_do_not_last_for_a_day_are_counted(
    credits_cents: int, spent: Mapping[str, int], is_below: int
) -> None:
    row = EnrollmentFactory(buyer__credits_cents=credits_cents)
    execute(
        "UPDATE distribution_enrollment SET counted_on = current_date,"
        + ", ".join(f"{period}_spent_cents = {cents}" for period, cents in spent.items())
    )
    assert read(money.MONEY)["wallets_below_daily_spend"] == is_below
    row.buyer.paused_at = ago(1)
    row.buyer.save(update_fields=["paused_at"])
    assert read(money.MONEY)["wallets_below_daily_spend"] == 0


def test_buyer_without_a_recent_sale_spends_nothing() -> None:
    EnrollmentFactory()
    execute("UPDATE distribution_enrollment SET counted_on = current_date - 7, day_spent_cents = 100")
    assert read(money.MONEY)["wallets_below_daily_spend"] == 0


def test_wallet_that_differs_from_its_ledger_is_counted() -> None:
    right, wrong = BuyerFactory(credits_cents=5_000), BuyerFactory(credits_cents=5_000)
    BuyerFactory()
    assert read(money.MONEY)["wallets_drifted"] == 0
    plant("UPDATE distribution_wallet SET balance_cents = 4999 WHERE buyer_id = %s", [wrong.pk])
    assert read(money.MONEY)["wallets_drifted"] == 1
    assert right.pk != wrong.pk


def test_wallets_that_the_reconciler_reported_are_counted() -> None:
    execute("INSERT INTO routing_reconcilerrun (name, known_at, skipped) VALUES ('balances', now(), 3)")
    assert read(money.MONEY)["wallets_drifted"] == 3


@contextmanager
def blocked() -> Iterator[None]:
    """A statement waits for a lock of another session's open transaction."""
    lock = partial(execute, "SELECT pg_advisory_xact_lock(20261128)")
    with open_transaction(lock) as end, in_background(lock):
        wait_until_blocked()
        try:
            yield
        finally:
            end()


def test_workspaces_are_counted_by_dispatch_mode() -> None:
    WorkspaceFactory(dispatch_mode="poll")
    assert read(dispatch.DISPATCH)["workspaces"] == {"poll": 1, "shadow": 0, "event": 0}
    WorkspaceFactory(dispatch_mode="event")
    WorkspaceFactory(dispatch_mode="event")
    assert read(dispatch.DISPATCH)["workspaces"] == {"poll": 1, "shadow": 0, "event": 2}


def test_sessions_and_locks_of_postgres_are_counted() -> None:
    with blocked():
        values = read(postgres.POSTGRES)

    states = values["postgres_connections"]
    assert isinstance(states, Mapping)
    assert set(states) == set(postgres.STATES)
    assert states["idle_in_transaction"] >= 1
    assert states["active"] >= 1
    assert values["postgres_waiting_queries"] == 1
    assert values["postgres_lock_waits"] == 1
    longest = values["postgres_longest_transaction_seconds"]
    assert isinstance(longest, float)
    assert longest > 0


def test_limit_of_connections_leaves_out_reserved_ones() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
        )
        [(limit,)] = cursor.fetchall()
    assert read(postgres.POSTGRES)["postgres_connections_limit"] == limit
    connections, *_ = report_database()
    assert {row[connections.columns.index("limit")] for row in connections.rows} == {limit}
    assert read_connection_budget(processes=1, threads=1).limit == limit


def test_slow_statement_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(postgres.POSTGRES)["postgres_slow_queries"] == 0
    monkeypatch.setattr(postgres, "SLOW_SECONDS", 0)
    with blocked():
        assert read(postgres.POSTGRES)["postgres_slow_queries"] == 1


def test_tables_of_the_product_have_sizes_and_dead_rows() -> None:
    WorkspaceFactory()
    values = read(tables.TABLES)
    sizes, indexes, dead, bloat = (
        values[f"postgres_{name}"]
        for name in ("table_bytes", "index_bytes", "dead_rows_ratio", "index_bloat_ratio")
    )
    assert isinstance(sizes, Mapping)
    assert isinstance(indexes, Mapping)
    assert isinstance(dead, Mapping)
    assert isinstance(bloat, Mapping)
    assert {"routing_lead", "tracing_attempt", "distribution_wallet"} <= set(sizes)
    assert set(sizes) == set(indexes) == set(dead) == set(bloat)
    assert not any(name.startswith(("auth_", "django_")) for name in sizes)
    assert sizes["routing_workspace"] > 0
    assert indexes["routing_workspace"] > 0
    assert all(0 <= ratio <= 1 for ratio in dead.values())


def test_schedule_and_memory_of_redis_are_read(redis_client: "Redis[str]", settings: Settings) -> None:
    settings.LEADSWITCH_READY_SHARDS = 2
    shard = str(keys.shard_of(1, shards=2))
    other = str(1 - int(shard))
    hold_started(7)
    fill_behind_a_pause(redis_client, [due(8), later(9)])

    values = read(redis.REDIS)

    assert values["redis_schedule_leads"] == {shard: 2, other: 0}
    assert values["redis_schedule_overdue_leads"] == {shard: 1, other: 0}
    assert values["redis_ready_leads"] == {shard: 0, other: 0}
    assert values["redis_inflight_leads"] == {"queued": 0, "started": 1}
    redis_client.delete(keys.schedule_of(1), keys.schedule_key())
    assert schedule.put([due(10)])
    values = read(redis.REDIS)
    assert values["redis_ready_leads"] == {shard: 1, other: 0}
    assert values["redis_inflight_leads"] == {"queued": 1, "started": 1}
    used = values["redis_memory_bytes"]
    assert isinstance(used, int)
    assert used > 0
    assert values["redis_memory_limit_bytes"] == int(redis_client.config_get("maxmemory")["maxmemory"])


@pytest.fixture
def led(redis_client: "Redis[str]") -> Iterator[str]:
    """A dispatcher that leads by PostgreSQL and by Redis."""
    leader, _ = acquire_leadership("one", lease_ms=60_000, least_epoch=0)
    assert leader is not None
    write_leader_heartbeat("one", epoch=leader.epoch, path=DispatchPath.REDIS)
    yield "one"
    redis_client.delete(keys.dispatcher_key())


def test_leaders_workers_and_pauses_are_counted(led: str) -> None:
    assert led
    write_worker_heartbeat("a")
    write_worker_heartbeat("b")
    write_worker_heartbeat("silent", silent_seconds=600)
    WorkspaceFactory(paused_at=ago(1))
    assert read(dispatch.DISPATCH) == {
        "leaders": 1,
        "workers": 2,
        "paused": {"product": 0, "workspaces": 1},
        "workspaces": {"poll": 1, "shadow": 0, "event": 0},
        "canary_late_seconds": 0,
        "reconciler_late": dict.fromkeys(RECONCILERS, 1),  # none has ever run
    }
    write_leader_heartbeat("two", epoch=9, path=DispatchPath.POSTGRES)
    assert read(dispatch.DISPATCH)["leaders"] == 2
    pause_product(at=ago(1), actor="ann", reason="maintenance")
    assert read(dispatch.DISPATCH)["paused"] == {"product": 1, "workspaces": 1}


def test_late_canary_is_shown_with_its_time(settings: Settings) -> None:
    canary.send()
    limit = settings.LEADSWITCH_WATCH["canary_late"]
    execute(f"UPDATE routing_canary SET out_since = now() - interval '{limit - 5} s'")
    assert read(dispatch.DISPATCH)["canary_late_seconds"] == 0
    execute(f"UPDATE routing_canary SET out_since = now() - interval '{limit + 5} s'")
    assert read(dispatch.DISPATCH)["canary_late_seconds"] == pytest.approx(limit + 5, abs=3)


def test_reconciler_is_late_after_three_periods_and_a_run() -> None:
    all_ran(ago=timedelta(seconds=3 * 60 + 85))
    late = read(dispatch.DISPATCH)["reconciler_late"]
    longer = {"expiry", "balances", "payments", "statements"}
    shorter = {"inflight", "workspace_pauses", "wakeups", "holds", "deliveries", "offers", "buyer_pauses"}
    assert late == {name: float(name in shorter) for name in RECONCILERS}
    all_ran(ago=timedelta(seconds=3 * 60 + 95))
    late = read(dispatch.DISPATCH)["reconciler_late"]
    assert late == {name: float(name not in longer) for name in RECONCILERS}


def test_no_dispatcher_leads() -> None:
    assert read(dispatch.DISPATCH)["leaders"] == 0
    write_leader_heartbeat("gone", epoch=1, path=DispatchPath.REDIS)
    execute("UPDATE routing_dispatchcontrol SET seen_at = now() - interval '1 minute'")
    assert read(dispatch.DISPATCH)["leaders"] == 0
