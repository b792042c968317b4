"""Reads rows on the connection of the calling thread."""

from typing import Any

from django.db import connection


def fetch_rows(sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def fetch_row(sql: str, parameters: Any = None) -> tuple[Any, ...]:
    """The only row."""
    [row] = fetch_rows(sql, parameters)
    return row
