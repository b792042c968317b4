"""Opens packed files: .csv.gz as a stream of bounded length. Recognizes other binary files by their first bytes."""

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

from routing.intake.csv.rows import TableError

GZIP: Final = b"\x1f\x8b"
ZIP: Final = b"PK\x03\x04"
# Files by their first bytes, and what to do with them.
OTHER_KINDS: Final = (
    (
        b"\xd0\xcf\x11\xe0",
        "the file is an old .xls file or has a password: save it as .xlsx without one, or as CSV UTF-8",
    ),
    (b"%PDF", "the file is a PDF: export the table as .xlsx or CSV"),
    (b"\x28\xb5\x2f\xfd", "the file is compressed with zstd: decompress it, or use gzip"),
    (b"\xfd7zXZ", "the file is compressed with xz: decompress it, or use gzip"),
    (b"BZh", "the file is compressed with bzip2: decompress it, or use gzip"),
)
MAX_UNPACKED_BYTES: Final = 8 * 1024**3
Position = Callable[[], int]


def read_head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(8)


def refuse_other_kinds(path: Path, head: bytes) -> None:
    for start, message in OTHER_KINDS:
        if head.startswith(start):
            raise TableError(f"{path}: {message}")


@contextmanager
def open_bytes(path: Path) -> Iterator[tuple[BinaryIO, Position]]:
    """Yield the unpacked bytes, and a function that returns the position in the packed file."""
    with path.open("rb") as raw:
        if raw.read(2) != GZIP:
            raw.seek(0)
            yield raw, raw.tell
            return
        raw.seek(0)
        with gzip.GzipFile(fileobj=raw) as unpacked:
            yield cast("BinaryIO", unpacked), raw.tell
