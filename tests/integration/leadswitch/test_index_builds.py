"""A concurrent index build waits for open transactions, and an interrupted build is repeated."""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Final

import pytest
from django.db import OperationalError, connection, models

from routing.models import Workspace
from tests.support.racing import in_background, open_transaction
from tests.support.waiting import fetch_value, wait_until

pytestmark = pytest.mark.usefixtures("committed_db")

INDEX: Final = models.Index(fields=["slug", "id"], name="built_by_a_test")
IS_VALID: Final = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('built_by_a_test')"
COUNT: Final = "SELECT count(*) FROM pg_class WHERE relname = 'built_by_a_test'"
SHORT_MS: Final = 50
WAITS_LONGER: Final = f"""
SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE datname = current_database() AND locktype = 'virtualxid' AND NOT granted
    AND waitstart < clock_timestamp() - interval '{4 * SHORT_MS} ms'
"""


def build() -> None:
    """Build it as a migration does, with a short lock timeout for all other statements."""
    execute(f"SET lock_timeout = {SHORT_MS}")
    with connection.schema_editor(atomic=False) as editor:
        editor.add_index(Workspace, INDEX, concurrently=True)
    assert fetch_value("SHOW lock_timeout") != "0"


def remove() -> None:
    with connection.schema_editor(atomic=False) as editor:
        editor.remove_index(Workspace, INDEX, concurrently=True)


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def is_waiting_longer_than_allowed() -> bool:
    return bool(fetch_value(WAITS_LONGER))


@pytest.fixture(autouse=True)
def _no_index(committed_db: None) -> Iterator[None]:  # noqa: ARG001
    yield
    execute("DROP INDEX IF EXISTS built_by_a_test")


def leave_an_invalid_one() -> None:
    """Leave the invalid index of an interrupted build."""
    execute(f"SET lock_timeout = {SHORT_MS}")
    with (
        open_transaction(partial(execute, "LOCK TABLE routing_workspace IN ROW EXCLUSIVE MODE")),
        suppress(OperationalError),
    ):
        execute("CREATE INDEX CONCURRENTLY built_by_a_test ON routing_workspace (slug, id)")
    execute("RESET lock_timeout")
    assert fetch_value(IS_VALID) is False


def test_build_waits_longer_than_the_lock_timeout() -> None:
    with open_transaction(partial(execute, "LOCK TABLE routing_workspace IN ROW EXCLUSIVE MODE")) as end:
        with in_background(build) as building:
            wait_until(is_waiting_longer_than_allowed, what="a build that waits")
            end()
        building.result()
    assert fetch_value(IS_VALID) is True


def test_invalid_index_is_built_again() -> None:
    leave_an_invalid_one()
    build()
    assert fetch_value(IS_VALID) is True


def test_completed_work_of_an_interrupted_run_is_kept() -> None:
    build()
    before = fetch_value("SELECT 'built_by_a_test'::regclass::oid")
    build()
    assert fetch_value("SELECT 'built_by_a_test'::regclass::oid") == before
    remove()
    remove()
    assert fetch_value(COUNT) == 0
