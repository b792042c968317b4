"""Reads an .xlsx workbook as a stream of rows. Numbers stay distinct from text, and dates become ISO 8601.

A workbook is a ZIP archive of XML. Its unpacked size is checked before anything is read.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from hashlib import file_digest
from pathlib import Path
from typing import IO, Any, Final
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile
from zlib import error as ZlibError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from routing.intake.csv.header import clean_names, find_header
from routing.intake.csv.rows import Row, SheetNumber, TableError

MAX_PARTS: Final = 5_000
MAX_UNPACKED_BYTES: Final = 512 * 1024**2
# Texts are held in memory while the sheets are read.
MAX_TEXT_BYTES: Final = 128 * 1024**2
TEXTS: Final = "xl/sharedStrings.xml"
WORKBOOK: Final = "xl/workbook.xml"
MAX_ROWS: Final = 1_048_576
MAX_COLUMNS: Final = 2_000
# What openpyxl raises for a damaged workbook.
DAMAGED: Final = (
    InvalidFileException,
    BadZipFile,
    ZlibError,
    ParseError,
    LookupError,
    ArithmeticError,
    ValueError,
    TypeError,
    AttributeError,
    EOFError,
    RuntimeError,  # a part that is encrypted or packed in an unknown way
)


@dataclass(frozen=True, slots=True)
class ExcelTable:
    path: Path
    size_bytes: int
    sha256: str
    sheet: str
    columns: tuple[str, ...]
    header_line: int
    encoding: str = "xlsx"
    delimiter: str = ""

    def read_rows(self, on_bytes: Callable[[int], None] = lambda _: None) -> Iterator[Row]:
        """Yield the rows after the header, without blank ones. The reported bytes are an estimate from the rows."""
        with _Workbook(self.path) as book:
            sheet = book.find_sheet(self.sheet)
            total = max(sheet.max_row or 0, 1)
            for row in book.read(sheet):
                on_bytes(min(self.size_bytes * row.line // total, self.size_bytes))
                if row.line > self.header_line and not row.is_blank:
                    yield _trim(row, width=len(self.columns))
        on_bytes(self.size_bytes)


def open_excel(
    path: Path, *, wanted: Sequence[str], header_line: int | None, sheet: str | None
) -> ExcelTable:
    """Raises TableError."""
    _check_archive(path)
    with path.open("rb") as file:
        sha256 = file_digest(file, "sha256").hexdigest()
    with _Workbook(path) as book:
        chosen = book.find_sheet(sheet)
        try:
            header = find_header(book.read(chosen), wanted=wanted, line=header_line)
        except TableError as error:
            raise TableError(f"{path}: sheet {chosen.title!r}: {error}") from None
        columns = clean_names(header.cells)
        return ExcelTable(path, path.stat().st_size, sha256, chosen.title, columns, header.line)


def _check_archive(path: Path) -> None:
    try:
        with ZipFile(path) as archive:
            parts = archive.infolist()
    except BadZipFile:
        raise TableError(f"{path}: the file is damaged: save it again as .xlsx") from None
    sizes = {part.filename: part.file_size for part in parts}
    if WORKBOOK not in sizes:
        kind = "an OpenDocument file" if "mimetype" in sizes else "a ZIP archive, not an .xlsx workbook"
        raise TableError(f"{path}: the file is {kind}: save the table as .xlsx or CSV")
    is_large = len(parts) > MAX_PARTS or sum(sizes.values()) > MAX_UNPACKED_BYTES
    if is_large or sizes.get(TEXTS, 0) > MAX_TEXT_BYTES:
        raise TableError(f"{path}: the workbook is too large: save it as CSV UTF-8")


class _Workbook:
    """An open workbook. Every failure of the library becomes a TableError that repeats no cell."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._book: Any = None
        self._file: IO[bytes]

    def __enter__(self) -> "_Workbook":
        self._file = self.path.open("rb")  # the library leaves a damaged file open
        try:
            self._book = load_workbook(self._file, read_only=True, data_only=True, keep_links=False)
        except DAMAGED:
            self._file.close()
            raise TableError(
                f"{self.path}: the file is damaged: save it again as .xlsx, or as CSV UTF-8"
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        self._book.close()
        self._file.close()

    def find_sheet(self, name: str | None) -> Any:
        """Return the sheet with this name or, without a name, the first that is not hidden. Raises TableError."""
        sheets = self._book.worksheets
        if name is None:
            visible = [sheet for sheet in sheets if sheet.sheet_state == "visible"]
            if not (visible or sheets):
                raise TableError(f"{self.path}: the workbook has no sheet with data")
            return (visible or sheets)[0]
        found = [sheet for sheet in sheets if sheet.title.casefold() == name.casefold()]
        if not found:
            names = ", ".join(repr(sheet.title) for sheet in sheets)
            raise TableError(f"{self.path}: --sheet {name}: there is no such sheet; the sheets are {names}")
        return found[0]

    def read(self, sheet: Any) -> Iterator[Row]:
        sheet.reset_dimensions()  # the size in the file is often wrong
        try:
            for line, cells in enumerate(sheet.iter_rows(), start=1):
                if line > MAX_ROWS or len(cells) > MAX_COLUMNS:
                    raise TableError(f"{self.path}: the sheet has too many rows or columns: save it as CSV")
                yield Row(line, [_write_cell(cell) for cell in cells])
        except DAMAGED as error:
            if isinstance(error, TableError):
                raise
            raise TableError(
                f"{self.path}: the file is damaged: save it again as .xlsx, or as CSV UTF-8"
            ) from None


def _trim(row: Row, *, width: int) -> Row:
    """Remove blank cells to the right of the table. A sheet has them where cells were formatted."""
    cells = list(row.cells)
    while len(cells) > width and not cells[-1].strip():
        cells.pop()
    return Row(row.line, cells)


def _write_cell(cell: Any) -> str:
    value = cell.value
    if value is None or getattr(cell, "data_type", "") == "e":
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _write_number(value, shown=str(cell.number_format or ""))
    if isinstance(value, datetime):
        return (value.date() if value.time() == time() else value.replace(microsecond=0)).isoformat()
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _write_number(value: float, *, shown: str) -> str:
    """A format of only zeros, such as that of ZIP codes, shows leading zeros that the value does not have."""
    if isinstance(value, float) and not value.is_integer():
        return SheetNumber(repr(value))
    digits = str(int(value))
    is_padded = bool(shown) and set(shown) == {"0"}
    return digits.zfill(len(shown)) if is_padded else SheetNumber(digits)
