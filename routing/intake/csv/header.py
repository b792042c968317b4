"""Finds the row that names the columns. A file without such a row begins with personal data."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from routing.intake.csv.rows import Row, TableError
from routing.values.spreadsheet import take_off_guard

# The header may be this many rows down, below titles and blank lines.
SEARCHED_ROWS: Final = 30
# An email address, four digits in a row as in any ZIP code or phone number, a date.
DATA: Final = re.compile(r"@|[0-9]{4}|[0-9]{3}[-. )]+[0-9]{2}|[0-9]+[/.-][0-9]+[/.-][0-9]+")
MAX_NAME: Final = 80


def fold_name(text: str) -> str:
    return " ".join(text.split()).casefold()


def clean_names(cells: Iterable[str]) -> tuple[str, ...]:
    names = [take_off_guard(cell).strip() for cell in cells]
    while len(names) > 1 and not names[-1]:
        names.pop()
    return tuple(names)


def find_header(rows: Iterable[Row], *, wanted: Sequence[str], line: int | None) -> Row:
    """Return the row at `line`, the first with all `wanted` names, or else the one with most. Raises TableError."""
    seen: list[Row] = []
    names = {fold_name(name) for name in wanted}
    for row in rows:
        if line is not None and row.line >= line:
            return _require_names(row)
        if line is None and names and names <= _fold_names(row):
            return row
        seen.append(row)
        if line is None and (not names or len(seen) >= SEARCHED_ROWS):
            break
    if line is not None:
        raise TableError(f"--header-line {line}: the file has fewer lines")
    # The first of equally good rows. All lack a wanted name, so the error message will show the names of this one.
    best = max(seen, key=lambda row: len(names & _fold_names(row)), default=Row(1, []))
    return _require_names(best)


def _fold_names(row: Row) -> set[str]:
    return {fold_name(name) for name in clean_names(row.cells)}


def _require_names(row: Row) -> Row:
    if row.problem or row.is_blank:
        raise TableError(
            "the first line must name the columns, but it is empty; choose another line with --header-line"
        )
    return row


def describe_columns(columns: Sequence[str]) -> str:
    """Describe the columns for a message, unless they look like personal data."""
    if looks_like_data(columns):
        return (
            "the first line looks like data, not column names, so it is not shown here: add a line that"
            " names the columns, or choose one with --header-line"
        )
    return f"the file has {', '.join(map(repr, columns))}"


def looks_like_data(cells: Sequence[str]) -> bool:
    return any(DATA.search(cell) or len(cell) > MAX_NAME for cell in cells)
