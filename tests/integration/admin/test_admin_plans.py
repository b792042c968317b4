"""The reads of the admin's lists on filled tables: a page of a long silent workspace reads only that page."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client

from distribution.models import LedgerEntry
from routing.models import Workspace
from tests.support import list_reads
from tests.support.admin_pages import client_of, page, person
from tests.support.factories import BuyerFactory, WorkspaceFactory
from tests.support.filling import FILL_EVENTS, ROWS
from tests.support.list_reads import PAGE
from tests.support.planting import plant
from tracing.models import Attempt, LeadDistributionEvent

# Half of the first twentieth is of the silent workspace, all other rows are of the busy one.
SILENT = f"n < {ROWS // 20} AND n %% 2 = 0"
FILL_ATTEMPTS = f"""
INSERT INTO tracing_attempt (
    id, lead_id, number, trigger, source_workspace_id, destination_workspace_id, campaign_id, config_version, result,
    skip_reason, transient, started_at, finished_at, duration_ms, worker, facts
)
SELECT (lpad(to_hex(n), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid, n, 1, 'ingest', 1,
    CASE WHEN {SILENT} THEN %(silent)s ELSE %(busy)s END, NULL, 1, 'unsold', '', false, now(), now(), 1, '', '{{}}'
FROM generate_series(1, {ROWS}) n
"""
FILL_LEDGER = f"""
INSERT INTO distribution_ledgerentry (
    public_id, wallet_id, kind, amount_cents, balance_after_cents, idempotency_key, actor, reason, created_at,
    assignment_id, other_account
)
SELECT gen_random_uuid(), CASE WHEN {SILENT} THEN %(silent)s ELSE %(busy)s END,
    CASE WHEN n < 100 THEN 'adjustment' ELSE 'charge' END, -1, 1, 'planted-' || n, '', '',
    '2026-01-01'::timestamptz + n * interval '5 minutes', CASE WHEN n >= 100 THEN n END,
    CASE WHEN n < 100 THEN 'manual_clearing' ELSE 'revenue' END
FROM generate_series(1, {ROWS}) n
"""
BIG = {model: model._meta.db_table for model in (Attempt, LeadDistributionEvent, LedgerEntry)}
every_list = pytest.mark.parametrize("model", BIG, ids=lambda model: model.__name__)


@pytest.fixture
def silent(committed_db: None) -> Workspace:  # noqa: ARG001
    silent, busy = WorkspaceFactory.create_batch(2)
    plant(FILL_ATTEMPTS, {"silent": silent.pk, "busy": busy.pk})
    plant(FILL_EVENTS)
    wallets = {
        name: BuyerFactory(workspace=each).wallet.pk for name, each in (("silent", silent), ("busy", busy))
    }
    plant(FILL_LEDGER, wallets)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    found: Workspace = silent
    return found


def rows_read(client: Client, model: type[Model], **filters: object) -> int:
    """The number of rows that the list's statement read from the three tables, including discarded ones."""
    return list_reads.rows_read(client, model, filters, tables=BIG.values())


@every_list
def test_page_of_a_silent_workspace_reads_only_that_page(model: type[Model], silent: Workspace) -> None:
    root = client_of(User.objects.create_superuser("root"))
    scoped = client_of(person("viewer", silent))

    assert rows_read(root, model, workspace=silent.pk) <= 3 * PAGE
    assert rows_read(scoped, model) <= 3 * PAGE
    last = list(scoped.get(page(model, "changelist")).context["cl"].result_list)[-1]
    assert rows_read(scoped, model, older_than=last.pk) <= 3 * PAGE
    assert rows_read(root, model) <= 3 * PAGE


@pytest.mark.usefixtures("silent")
def test_day_of_the_ledger_reads_only_that_day() -> None:
    """288 entries a day, and an hour on both sides."""
    root = client_of(User.objects.create_superuser("root"))

    assert rows_read(root, LedgerEntry, day="2026-01-20") <= 288 + 24
    assert rows_read(root, LedgerEntry, kind__exact="adjustment") <= 3 * PAGE


def test_control_without_the_index_all_rows_are_read(silent: Workspace) -> None:
    """The attempts and events of all other workspaces are read first."""
    root = client_of(User.objects.create_superuser("root"))
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX attempt_workspace")
    try:
        assert rows_read(root, Attempt, workspace=silent.pk) > 20 * PAGE
    finally:
        with connection.cursor() as cursor:
            cursor.execute("CREATE INDEX attempt_workspace ON tracing_attempt (destination_workspace_id, id)")
