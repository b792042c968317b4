"""The lists of calls and verifications with many ended ones: a page reads only that page, and a day only that day."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from distribution.models import Call, Verification
from routing.models import Workspace
from tests.support.admin_pages import client_of, page, person
from tests.support.factories import ChannelFactory, VerificationFactory
from tests.support.list_reads import PAGE, rows_read, rows_read_by_all
from tests.support.planting import plant

ROWS: Final = 30_000
# 288 a day, and an hour on both sides.
A_DAY: Final = 288 + 24
FIRST_DAY: Final = "'2026-01-01'::timestamptz"
# Half of the first twentieth is of the silent workspace, all other rows are of the busy one.
IS_SILENT: Final = f"n < {ROWS // 20} AND n %% 2 = 0"
CALLS: Final = f"""
INSERT INTO distribution_call (
    public_id, kind, workspace_id, account_id, channel_id, from_number, number, state, outcome, created_at, dialed_at,
    ended_at, ended_by
)
SELECT gen_random_uuid(), 'test', c.workspace_id, c.account_id, c.id, c.number, 1, 'ended',
    CASE WHEN n %% 20 = 0 THEN 'busy' ELSE 'no_answer' END, at, at, at, 'webhook'
FROM generate_series(1, {ROWS}) n
CROSS JOIN LATERAL (SELECT {FIRST_DAY} + n * interval '5 minutes' AS at) t
JOIN distribution_channel c ON c.id = CASE WHEN {IS_SILENT} THEN %(silent)s ELSE %(busy)s END
"""
VERIFICATIONS: Final = f"""
INSERT INTO distribution_verification (
    public_id, lead_id, workspace_id, campaign_id, attempt_id, state, opened_at, ended_at
)
SELECT gen_random_uuid(), v.lead_id, v.workspace_id, v.campaign_id, v.attempt_id, 'verified', now(), now()
FROM generate_series(1, {ROWS}) n
JOIN distribution_verification v ON v.id = CASE WHEN {IS_SILENT} THEN %(silent)s ELSE %(busy)s END
"""
WAIT_FOR_OPERATOR: Final = 3
OF_WORKSPACE: Final[dict[type[Model], tuple[str, str]]] = {
    Call: ("call_workspace", "distribution_call (workspace_id, id DESC)"),
    Verification: ("verification_workspace", "distribution_verification (workspace_id, id DESC)"),
}
every_list = pytest.mark.parametrize("model", OF_WORKSPACE, ids=lambda model: model.__name__)


@pytest.fixture
def silent(committed_db: None) -> Workspace:  # noqa: ARG001
    silent, busy = ChannelFactory.create_batch(2)
    plant(CALLS, {"silent": silent.pk, "busy": busy.pk})
    VerificationFactory.create_batch(
        WAIT_FOR_OPERATOR, lead__source__workspace=busy.workspace, state="person", due_at=None
    )
    of_silent, of_busy = (
        VerificationFactory(
            lead__source__workspace=each.workspace, state="verified", due_at=None, ended_at=timezone.now()
        )
        for each in (silent, busy)
    )
    plant(VERIFICATIONS, {"silent": of_silent.pk, "busy": of_busy.pk})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    found: Workspace = silent.workspace
    return found


@pytest.fixture
def root(silent: Workspace) -> Client:  # noqa: ARG001 - the rows come first
    return client_of(User.objects.create_superuser("root"))


def read_list(client: Client, model: type[Model], **query: object) -> int:
    return rows_read(client, model, query, tables={model._meta.db_table})


@contextmanager
def without(index: str, columns: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {index}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE INDEX {index} ON {columns}")


@every_list
def test_page_of_a_silent_workspace_reads_only_that_page(
    model: type[Model], silent: Workspace, root: Client
) -> None:
    scoped = client_of(person("viewer", silent))

    assert read_list(root, model) <= 3 * PAGE
    assert read_list(root, model, workspace=silent.pk) <= 3 * PAGE
    assert read_list(scoped, model) <= 3 * PAGE


@every_list
def test_control_without_the_index_all_rows_are_read(
    model: type[Model], silent: Workspace, root: Client
) -> None:
    with without(*OF_WORKSPACE[model]):
        assert read_list(root, model, workspace=silent.pk) > 10 * PAGE


def test_day_of_calls_reads_only_that_day(root: Client) -> None:
    """However old it is, and also for an outcome, of which the whole day is read."""
    assert rows_read_by_all(root, Call, {"day": "2026-01-20"}) <= A_DAY + 2
    assert rows_read_by_all(root, Call, {"day": "2026-01-20", "outcome": "busy"}) <= A_DAY + 2
    busy = root.get(page(Call, "changelist"), {"day": "2026-01-20", "outcome": "busy"}).context["cl"]
    assert [call.outcome for call in busy.result_list] == ["busy"] * (288 // 20)


def test_control_without_the_index_of_times_a_day_reads_many_calls(root: Client) -> None:
    with without("call_created_at", "distribution_call (created_at)"):
        assert rows_read_by_all(root, Call, {"day": "2026-01-20"}) > 10 * A_DAY


@pytest.mark.parametrize("query", [{"state": "person"}, {"open": "1"}], ids=["waits for an operator", "open"])
def test_oldest_open_verifications_are_on_the_first_page(root: Client, query: dict[str, object]) -> None:
    """The first page of the admin links to this list: it says how many wait for an operator."""
    listed = root.get(page(Verification, "changelist"), query).context["cl"].result_list
    assert [each.state for each in listed] == ["person"] * WAIT_FOR_OPERATOR
    assert rows_read_by_all(root, Verification, query) <= 2 * PAGE
