"""Tables that are missing for a while, as after a failed migration or under a lock that is never released."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from tests.support.racing import in_background


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def execute_beside(sql: str) -> None:
    """On another connection, because this thread's may be broken."""
    with in_background(lambda: execute(sql)):
        pass


@contextmanager
def changed(sql: str, *, back: str) -> Iterator[None]:
    execute_beside(sql)
    try:
        yield
    finally:
        execute_beside(back)


@contextmanager
def without(table: str) -> Iterator[None]:
    with changed(f"ALTER TABLE {table} RENAME TO gone", back=f"ALTER TABLE gone RENAME TO {table}"):
        yield


@contextmanager
def slow(table: str) -> Iterator[None]:
    """A statement that reads the table runs into its timeout."""
    view = f"CREATE VIEW {table} AS SELECT gone.* FROM pg_sleep(60) LEFT JOIN gone ON true OFFSET 0"
    with without(table), changed(view, back=f"DROP VIEW {table}"):
        execute("SET statement_timeout = 300")
        yield


@contextmanager
def refusing_updates(table: str, *, errcode: str) -> Iterator[None]:
    sql = (
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{errcode}'; END$$;"
        f"CREATE TRIGGER refuse BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    with changed(sql, back="DROP FUNCTION refuse CASCADE"):
        yield
