"""Arrays for PostgreSQL as text. The driver writes a list item by item in Python, at ten times the cost."""

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID


def array_literal(values: Iterable[int | date | datetime | UUID]) -> str:
    """Return `{1,2}`. Only for types whose text holds no quote, comma, brace or backslash; cast it in the statement."""
    return f"{{{','.join(map(str, values))}}}"
