"""PostgreSQL reads array literals as their values."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from django.db import connection

from distribution.sql_arrays import array_literal

MOMENTS = [
    datetime(2025, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
    datetime(2025, 7, 1, tzinfo=timezone(timedelta(hours=-4))),
]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("bigint", []),
        ("bigint", [1, -(2**63), 2**63 - 1]),
        ("timestamptz", MOMENTS),
        ("uuid", [UUID(int=0), UUID(int=2**128 - 1)]),
    ],
)
def test_database_reads_back_what_was_written(kind: str, values: list[int | datetime | UUID]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT %s::{kind}[]", [array_literal(values)])
        assert cursor.fetchone()[0] == values
