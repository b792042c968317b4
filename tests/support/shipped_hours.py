"""Calling hours as the migration writes them. A test that commits a change of them would change the tests after it."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any, ClassVar, Final

from django.apps import apps
from django.db import connection

MARK: Final = """
SELECT md5(string_agg((to_jsonb(h) - 'id')::text, ',' ORDER BY country, state)) FROM distribution_callinghours h
"""


class Shipped:
    """The mark of the rows that the migration writes. None: this process has not written them yet."""

    mark: ClassVar[str | None] = None


def restore_calling_hours(cursor: Any) -> None:
    """Needs the database's triggers off: who waits for other hours is not woken."""
    if Shipped.mark is not None and _read_mark(cursor) == Shipped.mark:
        return
    cursor.execute("DELETE FROM distribution_callinghours")
    migration = import_module("distribution.migrations.0113_calling_hours_of_states")
    migration.fill(apps, SimpleNamespace(connection=connection))
    Shipped.mark = _read_mark(cursor)


def _read_mark(cursor: Any) -> str:
    cursor.execute(MARK)
    (mark,) = cursor.fetchone()
    return str(mark)
