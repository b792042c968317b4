"""Reads a CSV file as a stream of rows. Finds its encoding, delimiter and fingerprint, and never loads it whole.

A first pass reads all bytes, because a file that begins as UTF-8 may contain another encoding further down. excel.py
reads workbooks.
"""

import codecs
import csv
import gzip
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import StringIO, TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from routing.intake.csv.excel import ExcelTable, open_excel
from routing.intake.csv.header import clean_names, find_header
from routing.intake.csv.packed import MAX_UNPACKED_BYTES, ZIP, open_bytes, read_head, refuse_other_kinds
from routing.intake.csv.rows import Row, TableError

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
# What office programs write if they do not write UTF-8.
FALLBACK: Final = "cp1252"
# Excel's own line that names the delimiter.
SEPARATOR_LINE: Final = re.compile(r'\ufeff?"?sep=(.)"?\s*', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CsvTable:
    path: Path
    size_bytes: int
    sha256: str
    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    header_line: int = 1

    def read_rows(self, on_bytes: Callable[[int], None] = lambda _: None) -> Iterator[Row]:
        """Yield the rows after the header, without blank ones. Reports how many bytes were read."""
        with (
            open_bytes(self.path) as (raw, position),
            TextIOWrapper(raw, encoding=self.encoding, errors="replace", newline="") as text,
        ):
            for row in _number_rows(csv.reader(text, delimiter=self.delimiter)):
                on_bytes(position())
                if row.line > self.header_line and not row.is_blank:
                    yield row


def open_table(
    path: Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    wanted: Sequence[str] = (),
    header_line: int | None = None,
    sheet: str | None = None,
) -> CsvTable | ExcelTable:
    """Inspect the file, and detect each option that is None. The header has the `wanted` names. Raises TableError."""
    try:
        head = read_head(path)
        refuse_other_kinds(path, head)
        if head.startswith(ZIP):
            return open_excel(path, wanted=wanted, header_line=header_line, sheet=sheet)
        size_bytes = path.stat().st_size
        fingerprint, found = _scan(path, encoding=_read_encoding(encoding) if encoding else None)
        sample = _read_sample(path, encoding=found)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise TableError(f"{path}: the file is damaged and cannot be fully decompressed") from None
    except OSError as error:
        raise TableError(f"{path}: {error.strerror or error}") from None
    separator, rest = _split_sample(sample, delimiter=delimiter)
    rows = _read_text(sample, delimiter=separator)
    if rest is not sample:
        next(rows)
    try:
        header = find_header(rows, wanted=wanted, line=header_line)
    except TableError as error:
        raise TableError(f"{path}: {error}") from None
    return CsvTable(
        path, size_bytes, fingerprint, found, separator, clean_names(header.cells), header_line=header.line
    )


def _split_sample(sample: str, *, delimiter: str | None) -> tuple[str, str]:
    """Return the delimiter, and the sample without a first line that names the delimiter."""
    first, _, rest = sample.partition("\n")
    named = SEPARATOR_LINE.fullmatch(first)
    if named is None:
        rest = sample
    if delimiter:
        return _read_delimiter(delimiter), rest
    return (named[1] if named else _find_delimiter(sample)), rest


def _number_rows(reader: "_csv.Reader") -> Iterator[Row]:
    while True:
        line = reader.line_num + 1
        try:
            yield Row(line, next(reader))
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line, [], problem=f"cannot be read as CSV: {error}")


def _read_text(text: str, *, delimiter: str) -> Iterator[Row]:
    return _number_rows(csv.reader(StringIO(text, newline=""), delimiter=delimiter))


def _scan(path: Path, *, encoding: str | None) -> tuple[str, str]:
    """Return the SHA-256 of the file and its encoding. A given encoding is checked."""
    digest = sha256()
    with open_bytes(path) as (file, _):
        head = file.read(CHUNK_BYTES)
        wanted = encoding or _guess(head)
        decoder = codecs.getincrementaldecoder(wanted)("strict")
        is_valid, position, chunk, length = True, 0, head, 0
        while chunk:
            digest.update(chunk)
            length += len(chunk)
            if length > MAX_UNPACKED_BYTES:
                raise TableError(f"{path}: the file has more than {MAX_UNPACKED_BYTES >> 30} GB: split it")
            if is_valid:
                is_valid = _decodes(decoder, chunk)
                position += len(chunk)
            chunk = file.read(CHUNK_BYTES)
        is_valid = is_valid and _decodes(decoder, b"", is_final=True)
    if is_valid:
        return digest.hexdigest(), wanted
    if encoding:
        raise TableError(
            f"{path}: the file is not {encoding} (near byte {position:,}); leave out --encoding to detect it"
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
        raise TableError(f"--encoding {name}: unknown text encoding; try utf-8 or cp1252") from None
    return "utf-8-sig" if codec.name == "utf-8" else codec.name


def _read_delimiter(text: str) -> str:
    delimiter = DELIMITER_NAMES.get(text.lower(), text)
    if len(delimiter) != 1 or delimiter in '\r\n"':
        names = ", ".join(name for name in DELIMITER_NAMES if name.isalpha())
        raise TableError(f"--delimiter {text!r}: must be one character, or one of {names}")
    return delimiter


def _read_sample(path: Path, *, encoding: str) -> str:
    with open_bytes(path) as (raw, _):
        text = TextIOWrapper(raw, encoding=encoding, errors="replace", newline="")
        sample = text.read(SAMPLE_CHARACTERS)
        text.detach()
    return sample


def _find_delimiter(sample: str) -> str:
    """Choose the delimiter with the most columns on which most of the first rows agree, or else the comma."""
    return max(DELIMITERS, key=lambda delimiter: _agreement(sample, delimiter=delimiter))


def _agreement(sample: str, *, delimiter: str) -> float:
    rows = [row.cells for row in islice(_read_text(sample, delimiter=delimiter), SAMPLE_ROWS)]
    widths = Counter(len(row) for row in rows if row)
    # Titles above the header have one cell. Of equally common widths, the first is the header's.
    width, count = max(widths.items(), key=lambda item: item[1] * (item[0] > 1), default=(0, 0))
    return width * count / widths.total() if width > 1 else 0.0
