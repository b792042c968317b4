"""The rows that were refused, in a CSV file: each as it was, with what is wrong, to be put right and imported.

Spreadsheets run a cell that begins like a formula, so such a cell gets an apostrophe; the import takes it off again.
"""

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, NamedTuple, Self

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
EXTRA_COLUMNS: Final = ("import_line", "import_columns", "import_fields", "import_codes", "import_messages")
OWNER_ONLY: Final = 0o600


class Problem(NamedTuple):
    """One thing wrong with one row. The message never repeats the value."""

    column: str
    field: str
    code: str
    message: str


def guard_cell(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def take_off_guard(text: str) -> str:
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA_STARTS) else text


class RejectsFile:
    """Appears under its name when the import has ended: a name stands for a whole report. Nothing refused, no file.

    Holds what people typed, so only its owner may read it.
    """

    def __init__(self, path: Path, *, columns: Sequence[str]) -> None:
        self.path = path
        self.columns = columns
        self._partial = path.with_name(f".{path.name}.part")
        self._file: IO[str] | None = None
        self._writer: Any = None
        self.count = 0

    def open(self) -> None:
        """Raises OSError when the file could not be written: before anything is imported."""
        descriptor = os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
        self._file = os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow([*map(guard_cell, self.columns), *EXTRA_COLUMNS])

    def __enter__(self) -> Self:
        return self

    def add(self, cells: Sequence[str], *, line: int, problems: Sequence[Problem]) -> None:
        self.count += 1
        padded = [*cells, *[""] * (len(self.columns) - len(cells))]
        # A row with too many values keeps them all, behind the columns that say what is wrong.
        row, rest = padded[: len(self.columns)], padded[len(self.columns) :]
        said = [line, *("; ".join(dict.fromkeys(part)) for part in zip(*problems, strict=True))]
        self._writer.writerow([*map(guard_cell, row), *said, *map(guard_cell, rest)])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        if self.count:
            self._partial.replace(self.path)
        else:
            self._partial.unlink(missing_ok=True)
