"""A CSV file as a stream of rows: finds its encoding, delimiter and fingerprint, and never holds more than a part.

One pass over the bytes comes first. It tells a file that is UTF-8 to its end from one that only begins like it.
"""

import codecs
import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from io import StringIO, TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from routing.leads_import.rejects import take_off_guard

if TYPE_CHECKING:
    import _csv

CHUNK_BYTES: Final = 1024 * 1024
SAMPLE_ROWS: Final = 100
SAMPLE_CHARACTERS: Final = 262_144
DELIMITERS: Final = (",", ";", "\t", "|")
DELIMITER_NAMES: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|"}
BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What office programs write where they do not write UTF-8.
FALLBACK: Final = "cp1252"


class TableError(ValueError):
    """The file cannot be read as a table; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """`line` is where the row begins in the file, from 1. `problem` is set when it could not be read."""

    line: int
    cells: list[str]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class CsvTable:
    path: Path
    size_bytes: int
    sha256: str
    encoding: str
    delimiter: str
    columns: tuple[str, ...]

    def read_rows(self, on_bytes: Callable[[int], None] = lambda _: None) -> Iterator[Row]:
        """Yield the rows after the header, without blank ones. Reports how many bytes were read."""
        with self.path.open("rb") as raw:
            text = TextIOWrapper(raw, encoding=self.encoding, errors="replace", newline="")
            reader = csv.reader(text, delimiter=self.delimiter)
            rows = _number_rows(reader)
            next(rows, None)
            for row in rows:
                on_bytes(raw.tell())
                if row.problem or any(cell.strip() for cell in row.cells):
                    yield row


def open_table(path: Path, *, encoding: str | None = None, delimiter: str | None = None) -> CsvTable:
    """Inspect the file. None: find out. Raises TableError."""
    try:
        size_bytes = path.stat().st_size
        fingerprint, found = _scan(path, encoding=_read_encoding(encoding) if encoding else None)
        sample = _read_sample(path, encoding=found)
    except OSError as error:
        raise TableError(f"{path}: {error.strerror or error}") from None
    separator = _read_delimiter(delimiter) if delimiter else _find_delimiter(sample)
    header = next(_read_text(sample, delimiter=separator), None)
    if header is None or not any(cell.strip() for cell in header.cells):
        raise TableError(f"{path}: the first line must name the columns, and it is empty")
    columns = tuple(take_off_guard(cell).strip() for cell in header.cells)
    return CsvTable(path, size_bytes, fingerprint, found, separator, columns)


def _number_rows(reader: "_csv.Reader") -> Iterator[Row]:
    while True:
        line = reader.line_num + 1
        try:
            yield Row(line, next(reader))
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line, [], problem=f"is not readable as CSV: {error}")


def _read_text(text: str, *, delimiter: str) -> Iterator[Row]:
    return _number_rows(csv.reader(StringIO(text, newline=""), delimiter=delimiter))


def _scan(path: Path, *, encoding: str | None) -> tuple[str, str]:
    """Return the SHA-256 of the file and its encoding. A given encoding is checked."""
    digest = sha256()
    with path.open("rb") as file:
        head = file.read(CHUNK_BYTES)
        wanted = encoding or _guess(head)
        decoder = codecs.getincrementaldecoder(wanted)("strict")
        is_valid, position, chunk = True, 0, head
        while chunk:
            digest.update(chunk)
            if is_valid:
                is_valid = _decodes(decoder, chunk)
                position += len(chunk)
            chunk = file.read(CHUNK_BYTES)
        is_valid = is_valid and _decodes(decoder, b"", is_final=True)
    if is_valid:
        return digest.hexdigest(), wanted
    if encoding:
        raise TableError(
            f"{path}: is not {encoding} (near byte {position:,}); leave --encoding out to find it"
        )
    return digest.hexdigest(), FALLBACK


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, is_final: bool = False) -> bool:
    try:
        decoder.decode(chunk, is_final)
    except UnicodeError:
        return False
    return True


def _guess(head: bytes) -> str:
    for mark, encoding in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return encoding
    sample = head[:4_000]
    # Latin text in UTF-16 without a mark: every other byte is zero.
    if sample[1::2].count(0) > len(sample) // 4:
        return "utf-16-le"
    if sample[0::2].count(0) > len(sample) // 4:
        return "utf-16-be"
    return "utf-8"


def _read_encoding(name: str) -> str:
    try:
        codec = codecs.lookup(name)
        "a".encode(codec.name)
    except (LookupError, UnicodeError):
        raise TableError(f"--encoding {name}: no such text encoding; try utf-8 or cp1252") from None
    return "utf-8-sig" if codec.name == "utf-8" else codec.name


def _read_delimiter(text: str) -> str:
    delimiter = DELIMITER_NAMES.get(text.lower(), text)
    if len(delimiter) != 1 or delimiter in '\r\n"':
        names = ", ".join(name for name in DELIMITER_NAMES if name.isalpha())
        raise TableError(f"--delimiter {text!r}: must be one character, or one of {names}")
    return delimiter


def _read_sample(path: Path, *, encoding: str) -> str:
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        return file.read(SAMPLE_CHARACTERS)


def _find_delimiter(sample: str) -> str:
    """Take the one that gives the most columns in which the first rows agree with the header; else the comma."""
    return max(DELIMITERS, key=lambda delimiter: _agreement(sample, delimiter=delimiter))


def _agreement(sample: str, *, delimiter: str) -> float:
    rows = [row.cells for row in islice(_read_text(sample, delimiter=delimiter), SAMPLE_ROWS)]
    width = len(rows[0]) if rows else 0
    if width < 2:
        return 0.0
    filled = [row for row in rows if row]
    return width * sum(len(row) == width for row in filled) / len(filled)
