"""Writes rejected rows to a CSV file, unchanged and with their problems, to be corrected and imported.

A cell that begins like a formula gets an apostrophe (`routing/values/spreadsheet.py`). The import removes it.
"""

import csv
import fcntl
import filecmp
import os
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, NamedTuple, Self

from routing.intake.csv.rows import EXTRA_COLUMNS
from routing.values.spreadsheet import guard_cell

OWNER_ONLY: Final = 0o600


class RowProblem(NamedTuple):
    """One problem of one row. The message never repeats the value."""

    column: str
    field: str
    code: str
    message: str


class ImportRunning(Exception):
    """Another import is writing to the same rejects file, most likely an import of the same table."""


class RejectsFile:
    """Appears under its name when the import has ended, so a file is always complete. No rejected row, no file.

    An existing file may have been corrected, so it is never replaced: the report gets the next free name, unless the
    same report already exists. It contains personal data, so only its owner can read it.
    """

    def __init__(self, path: Path, *, columns: Sequence[str]) -> None:
        self.path = path
        self.columns = columns
        self._partial = path.with_name(f".{path.name}.part")
        self._file: IO[str] | None = None
        self._writer: Any = None
        self.count = 0

    def open(self) -> None:
        """Call this before anything is imported. Raises OSError if the file cannot be written, and ImportRunning."""
        descriptor = self._open_locked()
        os.ftruncate(descriptor, 0)
        self._file = os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow([*map(guard_cell, self.columns), *EXTRA_COLUMNS])

    def _open_locked(self) -> int:
        """The lock is on the file, not on its name: an import that has just ended may have renamed the file."""
        while True:
            descriptor = os.open(self._partial, os.O_WRONLY | os.O_CREAT, OWNER_ONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                raise ImportRunning from None
            if self._partial.exists() and os.path.samestat(os.fstat(descriptor), self._partial.stat()):
                return descriptor
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def add(self, cells: Sequence[str], *, line: int, problems: Sequence[RowProblem]) -> None:
        self.count += 1
        padded = [*cells, *[""] * (len(self.columns) - len(cells))]
        # A row with too many values keeps them all, after the columns with its problems.
        row, rest = padded[: len(self.columns)], padded[len(self.columns) :]
        said = [line, *("; ".join(dict.fromkeys(part)) for part in zip(*problems, strict=True))]
        self._writer.writerow([*map(guard_cell, row), *said, *map(guard_cell, rest)])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Rename the file while the lock is held, so that no other import opens the partial file before."""
        if self._file is None:
            return
        with self._file:
            self._file.flush()
            if self.count:
                self._publish()
            else:
                self._partial.unlink(missing_ok=True)

    def _publish(self) -> None:
        for path in self._names():
            if not path.exists():
                self._partial.replace(path)
            elif filecmp.cmp(path, self._partial, shallow=False):
                self._partial.unlink()
            else:
                continue
            self.path = path
            return

    def _names(self) -> Iterator[Path]:
        """leads.csv.rejects.csv, leads.csv.rejects-2.csv, ..."""
        yield self.path
        for number in count(2):
            yield self.path.with_name(f"{self.path.stem}-{number}{self.path.suffix}")
