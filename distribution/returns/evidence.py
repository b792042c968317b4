"""Files that prove why a lead comes back: which are accepted, and under which name. Pure.

The first bytes decide what a file is. The name must fit them, so that no page opens under a harmless name.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from distribution.models.returning import MAX_FILE_BYTES
from distribution.returns.refusals import ReturnRefused

MAX_NAME: Final = 100
NOT_IN_NAMES: Final = re.compile(r"[^\w .()\[\]-]")


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """An accepted file: its clean name, and the type that its bytes show."""

    name: str
    content_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        return sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class _Type:
    content_type: str
    extensions: tuple[str, ...]
    fits: Callable[[bytes], bool]


def _is_text(content: bytes) -> bool:
    """With a byte order mark too: some editors on Windows write one."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\t\r\n" for character in text)


TYPES: Final = (
    _Type("application/pdf", ("pdf",), lambda content: content.startswith(b"%PDF-")),
    _Type("image/png", ("png",), lambda content: content.startswith(b"\x89PNG\r\n\x1a\n")),
    _Type("image/jpeg", ("jpg", "jpeg"), lambda content: content.startswith(b"\xff\xd8\xff")),
    _Type("image/webp", ("webp",), lambda content: content[:4] == b"RIFF" and content[8:12] == b"WEBP"),
    _Type("audio/wav", ("wav",), lambda content: content[:4] == b"RIFF" and content[8:12] == b"WAVE"),
    _Type("text/plain", ("txt", "eml"), _is_text),
)
EXTENSIONS: Final = tuple(extension for each in TYPES for extension in each.extensions)


def read_file(name: str, content: bytes) -> EvidenceFile:
    """Raises ReturnRefused for an empty or too large file, or one whose name does not fit its bytes."""
    if not content:
        raise _refuse("is empty. Send a file with content.", code="empty")
    if len(content) > MAX_FILE_BYTES:
        raise _refuse(f"is larger than {MAX_FILE_BYTES:,} bytes. Send a smaller one.", code="too_large")
    clean = clean_name(name)
    extension = clean.rpartition(".")[2].lower()
    kind = next((each for each in TYPES if extension in each.extensions), None)
    if kind is None:
        raise _refuse(f"must be one of {', '.join(EXTENSIONS)}.", code="type_not_accepted")
    if not kind.fits(content):
        raise _refuse(
            f"is not a {extension} file by its content. Send the original file.", code="type_differs"
        )
    return EvidenceFile(clean, kind.content_type, content)


def clean_name(name: str) -> str:
    """Return the last part of a path, without characters that have a meaning to a system or a page."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    plain = NOT_IN_NAMES.sub("_", last).strip(" .")
    stem, dot, extension = plain.rpartition(".")
    stem = (stem if dot else plain).strip(" .") or "evidence"
    return f"{stem[: MAX_NAME - 6]}.{extension[:5]}" if dot else stem[:MAX_NAME]


def _refuse(message: str, *, code: str) -> ReturnRefused:
    return ReturnRefused(message, code=code, field="file")
