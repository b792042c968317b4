"""The exporter's statements on large tables: they use indexes, and the rows that they read are bounded."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from leadswitch.levels.exporter.collectors import hour, leads, money, retries
from routing.leads import undecided
from tests.support.factories import BuyerFactory, SourceFactory
from tests.support.filling import fill_leads
from tests.support.plans import read_by_table
from tests.support.planting import plant
from tests.support.schema import execute

pytestmark = pytest.mark.usefixtures("committed_db")

LIMIT = 500
ROWS = 20_000
FILL_ATTEMPTS = f"""
INSERT INTO tracing_attempt (id, lead_id, number, trigger, source_workspace_id, destination_workspace_id, result,
    skip_reason, transient, started_at, finished_at, duration_ms, worker, route, facts, first_lead_id)
SELECT gen_random_uuid(), n, 1, 'ingest', 1, 1,
    CASE WHEN n % 50 = 0 THEN 'duplicate' WHEN n % 50 = 1 THEN 'expired' ELSE 'success' END, '', false,
    now() - n * interval '1 second', now() - n * interval '1 second', 1, '', '[]', '{{}}',
    CASE WHEN n % 50 = 0 THEN 1 END
FROM generate_series(1, {ROWS}) n
"""
FILL_LEDGER = """
INSERT INTO distribution_ledgerentry (wallet_id, kind, amount_cents, balance_after_cents, idempotency_key, actor,
    reason, other_account)
SELECT w.id, 'topup', 1, n, w.id || '-' || n, '', '', 'manual_clearing'
FROM generate_series(1, 5000) n CROSS JOIN distribution_wallet w
"""


def fill_retries(*, is_paused: bool = False) -> None:
    source = SourceFactory(workspace__paused_at=datetime(2026, 1, 31, tzinfo=UTC) if is_paused else None)
    fill_leads(source, count=ROWS, attempts="1", next_attempt_at="now() - n * interval '1 second'")


def test_open_retries_are_counted_up_to_the_limit() -> None:
    fill_retries()
    found = read_by_table(retries.COUNT_OPEN, {"limit": LIMIT})
    assert found == {"routing_lead": ({"lead_retry_queue"}, LIMIT)}


def test_due_retries_are_counted_up_to_the_limit() -> None:
    fill_retries()
    indexes, rows = read_by_table(retries.COUNT_DUE, {"limit": LIMIT})["routing_lead"]
    assert (indexes, rows) == ({"lead_retry_queue"}, LIMIT)


def test_due_leads_are_counted_up_to_the_limit_and_paused_ones_are_not_read() -> None:
    fill_retries()
    fill_retries(is_paused=True)
    for over in (timedelta(0), timedelta(seconds=60)):
        parameters = {"ids": None, "over": over, "most": LIMIT}
        indexes, rows = read_by_table(undecided.COUNT, parameters)["routing_lead"]
        assert (indexes, rows) == ({"lead_workspace_due"}, LIMIT)


def test_oldest_due_lead_is_found_in_two_rows_of_each_running_workspace() -> None:
    fill_retries()
    fill_retries(is_paused=True)
    indexes, rows = read_by_table(undecided.OLDEST, {"ids": None, "most": LIMIT})["routing_lead"]
    assert (indexes, rows) == ({"lead_workspace_due"}, 2)


def test_oldest_due_lead_is_found_among_leads_that_were_paused() -> None:
    fill_retries()
    execute("UPDATE routing_lead SET resumed_at = now() - interval '1 second'")
    indexes, rows = read_by_table(undecided.OLDEST, {"ids": None, "most": LIMIT})["routing_lead"]
    assert indexes == {"lead_workspace_due"}
    assert rows <= ROWS + LIMIT


def fill_attempts() -> None:
    plant(FILL_ATTEMPTS)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tracing_attempt")


def test_only_duplicates_failures_and_expired_attempts_of_the_time_are_read() -> None:
    fill_attempts()
    hours, day = ROWS / 3600, min(ROWS, 86_400)
    indexes, rows = read_by_table(hour.COUNT_HOUR, None)["tracing_attempt"]
    assert indexes == {"attempt_watched_real"}
    assert rows <= ROWS / hours / 25 + 2
    indexes, rows = read_by_table(leads.COUNT_EXPIRED, {"limit": LIMIT})["tracing_attempt"]
    assert indexes == {"attempt_watched_real"}
    assert rows <= day / 25 + 2


def test_last_decision_is_among_the_newest_attempts() -> None:
    fill_attempts()
    indexes, rows = read_by_table(hour.READ_LAST_DECISION, {"limit": LIMIT})["tracing_attempt"]
    assert (indexes, rows) == ({"attempt_started_at"}, LIMIT)


def test_one_ledger_entry_of_each_wallet_is_read() -> None:
    buyers = [BuyerFactory() for _ in range(4)]
    plant(FILL_LEDGER)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE distribution_ledgerentry")
    found = read_by_table(money.COUNT_DRIFTED, None)
    indexes, rows = found["distribution_ledgerentry"]
    assert (indexes, rows) == ({"ledger_wallet_newest"}, len(buyers))
