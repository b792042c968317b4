"""How many rows the statements of an admin's list read, also those that they discard."""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.support.admin_pages import page
from tests.support.plans import nodes

# Of a page. The list reads one more, and so knows whether another page follows.
PAGE: Final = 50


def rows_read(
    client: Client, model: type[Model], query: Mapping[str, object], *, tables: Collection[str]
) -> int:
    """Of these tables, by the statement that gives the page its rows. There must be some."""
    of_list = re.compile(rf'FROM "{model._meta.db_table}".* ORDER BY .* LIMIT {PAGE + 1}$')
    [sql] = [each for each in _list_statements(client, model, query) if of_list.search(each)]
    return _count(sql, tables)


def rows_read_by_all(client: Client, model: type[Model], query: Mapping[str, object]) -> int:
    """Of the list's table, by all statements of the page. The list must have rows."""
    table = model._meta.db_table
    found = [each for each in _list_statements(client, model, query) if f'FROM "{table}"' in each]
    return sum(_count(sql, {table}) for sql in found)


def _list_statements(client: Client, model: type[Model], query: Mapping[str, object]) -> list[str]:
    typed = {name: str(value) for name, value in query.items()}
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(page(model, "changelist"), typed)
    assert answer.context["cl"].result_list
    return [each["sql"] for each in captured]


def _count(sql: str, tables: Collection[str]) -> int:
    found = nodes(sql.replace("%", "%%"), [], options="ANALYZE, FORMAT JSON")
    return sum(_taken(node) for node in found if node.get("Relation Name") in tables)


def _taken(node: dict[str, Any]) -> int:
    each: float = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return round(each * node["Actual Loops"])
