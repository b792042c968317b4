"""What intake corrected in a lead instead of rejecting it: in full for the sender, as codes for the trace."""

import dataclasses
import json
from collections.abc import Iterable
from typing import Any, Final

from tracing.vocabulary import describe_correction

# Each code has a sentence in tracing.vocabulary.CORRECTIONS.
DROPPED: Final = "dropped"
CORRECTED: Final = "corrected"
SHORTENED: Final = "shortened"
MOVED: Final = "moved"
ASSUMED: Final = "assumed"
UNKNOWN: Final = "unknown"
TEST: Final = "test"
MAX_CORRECTIONS: Final = 50
MAX_RECEIVED: Final = 200
MAX_NAME: Final = 64
# A note names only these fields, because the sender chooses the names of attributes.
NOTED_FIELDS: Final = frozenset(
    {
        *(
            "first_name",
            "last_name",
            "email",
            "phone",
            "phone_extension",
            "address",
            "city",
            "state",
            "country",
        ),
        *("zip", "vertical", "external_id", "received_at", "attributes", "consent", "is_test"),
        *("consent.given_at", "consent.text", "consent.ip", "consent.url", "consent.token"),
    }
)


@dataclasses.dataclass(frozen=True, slots=True)
class Correction:
    """`received` and `message` are only for the sender, because `received` repeats what it sent."""

    field: str
    code: str
    message: str = dataclasses.field(repr=False)
    received: Any = dataclasses.field(default=None, repr=False)

    @property
    def note(self) -> str:
        """Like email:dropped. Contains no text of the sender."""
        name = self.field if self.field in NOTED_FIELDS else self.field.partition(".")[0]
        return f"{name if name in NOTED_FIELDS else 'attributes'}:{self.code}"


class Corrections:
    """The corrections of one lead, at most MAX_CORRECTIONS."""

    __slots__ = ("made",)

    def __init__(self) -> None:
        self.made: list[Correction] = []

    @property
    def is_full(self) -> bool:
        """True if further corrections are ignored."""
        return len(self.made) >= MAX_CORRECTIONS

    def add(self, name: str, code: str, message: str, *, received: object = None) -> None:
        if not self.is_full:
            self.made.append(Correction(name[: 2 * MAX_NAME], code, message, shorten_received(received)))

    def forget(self, name: str) -> None:
        self.made = [each for each in self.made if each.field != name]


def shorten_received(value: object) -> Any:
    """The received value, shortened, as a JSON scalar. A list or object becomes text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and abs(value) < 2**53:
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    # The answer is stored for repeats, and PostgreSQL stores neither NUL nor half a surrogate pair.
    return text[:MAX_RECEIVED].replace("\x00", "").encode(errors="replace").decode()


def write_notes(corrections: Iterable[Correction]) -> list[str]:
    """Return the distinct notes of a lead, in order."""
    return list(dict.fromkeys(each.note for each in corrections))


def describe_note(note: str) -> str:
    """Return a sentence like: email could not be read and was left out."""
    name, code = read_note(note)
    return describe_correction(name, code)


def read_note(note: str) -> tuple[str, str]:
    """The field and the code of a note."""
    name, _, code = note.rpartition(":")
    return name, code
