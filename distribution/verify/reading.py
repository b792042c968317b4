"""Runs the checks' SQL: searches inside the database, and streams that hold few rows in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import connection

from distribution.verify.findings import MAX_EXAMPLES, Breach, Findings
from distribution.verify.slices import Slice

ROWS_A_FETCH: Final = 500


def count(sql: str, part: Slice) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, part.parameters())
        return int(cursor.fetchone()[0])


def counted(number: str, noun: str) -> str:
    """Return the SQL of a number with its noun: "1 event", "2 events". `number`: an SQL expression of an integer."""
    return f"{number} || CASE {number} WHEN 1 THEN ' {noun}' ELSE ' {noun}s' END"


def search(findings: Findings, sql: str, part: Slice, **parameters: Any) -> None:
    """Add a breach for each row (subject, message) that `sql` finds. Only the first few are read from the database."""
    found = f"SELECT subject, message, count(*) OVER () FROM ({sql}) AS found LIMIT {MAX_EXAMPLES}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(found, {**part.parameters(), **parameters})
        rows = cursor.fetchall()
    if rows:
        findings.breaches += rows[0][2]
        room = MAX_EXAMPLES - len(findings.examples)
        findings.examples += [Breach(subject, message) for subject, message, _ in rows[:room]]


@contextmanager
def no_nested_loops() -> Iterator[None]:
    """For joins of two parts of a slice. Needs an open transaction.

    PostgreSQL cannot estimate how many rows are between two UUIDs, or beyond its newest statistics, and assumes one. A
    nested loop then looks cheap, but it joins ten thousand attempts with ten thousand groups of events.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        yield
        cursor.execute("SET LOCAL enable_nestloop = on")


def stream(sql: str, part: Slice, **parameters: Any) -> Iterator[tuple[Any, ...]]:
    """Yield rows of a server-side cursor. Needs an open transaction. Other statements may run between rows."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, {**part.parameters(), **parameters})
        while rows := cursor.fetchmany(ROWS_A_FETCH):
            yield from rows
