"""The table that every reader provides: named columns, and rows with the lines where they begin."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

EXTRA_COLUMNS: Final = ("import_line", "import_columns", "import_fields", "import_codes", "import_messages")


class TableError(ValueError):
    """The file cannot be read as a table. The message says why and what to do, and repeats no data of its rows."""


@dataclass(frozen=True, slots=True)
class Row:
    """`line` is where the row begins in the file, counted from 1. `problem` is set if the row could not be read."""

    line: int
    cells: Sequence[str]
    problem: str = ""

    @property
    def is_blank(self) -> bool:
        return not self.problem and not any(cell.strip() for cell in self.cells)


class SheetNumber(str):
    """A cell that contains a number instead of text. It has no leading zeros, even if it is a ZIP code."""

    __slots__ = ()


class Table(Protocol):
    """`sha256` is the hash of the whole file."""

    @property
    def path(self) -> Path: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def sha256(self) -> str: ...
    @property
    def encoding(self) -> str: ...
    @property
    def delimiter(self) -> str: ...
    @property
    def columns(self) -> tuple[str, ...]: ...

    def read_rows(self, on_bytes: Callable[[int], None] = ...) -> Iterator[Row]:
        """Yield the rows after the header, without blank ones. Reports how many bytes were read."""
        ...
