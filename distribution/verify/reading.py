"""Runs the checks' SQL: whole searches inside the database, and streams with a bounded part in memory."""

from collections.abc import Iterator
from typing import Any, Final

from django.db import connection

from distribution.verify.findings import MAX_EXAMPLES, Breach, Findings, Scope

ROWS_A_FETCH: Final = 200


def count(sql: str, scope: Scope) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"from_lead": scope.from_lead})
        return int(cursor.fetchone()[0])


def search(findings: Findings, sql: str, scope: Scope, **parameters: Any) -> None:
    """Add a breach for each row (subject, message) that `sql` finds; only the first few leave the database."""
    found = f"SELECT subject, message, count(*) OVER () FROM ({sql}) AS found LIMIT {MAX_EXAMPLES}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(found, {"from_lead": scope.from_lead, **parameters})
        rows = cursor.fetchall()
    if rows:
        findings.breaches += rows[0][2]
        room = MAX_EXAMPLES - len(findings.examples)
        findings.examples += [Breach(subject, message) for subject, message, _ in rows[:room]]


def stream(sql: str, scope: Scope, **parameters: Any) -> Iterator[tuple[Any, ...]]:
    """Yield rows of a server-side cursor. Needs an open transaction, in which other statements may run meanwhile."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, {"from_lead": scope.from_lead, **parameters})
        while rows := cursor.fetchmany(ROWS_A_FETCH):
            for row in rows:
                scope.tick()
                yield row
