"""Puts damage into the database that the product refuses: bypasses triggers, foreign keys and constraints."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


def plant(sql: str, parameters: Any = None) -> int:
    """Run one statement without triggers and foreign keys. Returns the number of changed rows."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            cursor.execute(sql, parameters)
            return int(cursor.rowcount)
        finally:
            cursor.execute("SET session_replication_role = origin")


@contextmanager
def without(name: str, *, table: str) -> Iterator[None]:
    """Remove a constraint or unique index. Empties the table (and those that refer to it) before it is restored."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [name])
        constraint = cursor.fetchone()
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [name])
        index = cursor.fetchone()
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}" if constraint else f"DROP INDEX {name}")
    try:
        yield
    finally:
        plant(f"TRUNCATE {table} CASCADE")
        with connection.cursor() as cursor:
            cursor.execute(
                f"ALTER TABLE {table} ADD CONSTRAINT {name} {constraint[0]}" if constraint else index[0]
            )
