"""Recognizes test leads: by the field is_test, and by the marks of other systems.

Test_Lead=1 and ZIP code 99999 are boberdoo's, lp_action=test is Lead Prosper's. Meta's leads have one of two email
addresses and values that begin with "<test lead:". Google sends is_test itself.

A test value is kept where the field holds any text. In other fields it is left out, so it fails no parser.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from routing.intake.corrections import ASSUMED, DROPPED, MOVED, TEST, Corrections
from routing.intake.field_names import fold_key
from routing.intake.reader import FieldReader
from routing.values.lenient import CandidateValue, shorten_id
from routing.values.normalize import FieldError
from routing.values.person_name import is_test_text

FIELD: Final = "is_test"
FLAG_KEYS: Final = frozenset({"istest", "testlead"})
ACTION_KEY: Final = "lpaction"
TEST_ZIP: Final = "99999"
TEST_EMAILS: Final = frozenset({"test@fb.com", "test@meta.com"})
FLAGS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("true", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "no", "n", "off", "0"), False),
}
# A test value in one of these is no value of the field.
TYPED: Final = (
    *("email", "phone", "phone_extension", "state", "country", "vertical", "external_id", "consent"),
    FIELD,
)
MAX_VALUES: Final = 200
# A source's test and real leads may have the same ids.
ID_PREFIX: Final = "test:"


def read_flag(value: object) -> bool | None:
    """Return the flag; None for blank. Raises FieldError."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        if not value.strip():
            return None
        if value.strip().lower() in ("true", "false"):  # a form sends text
            return value.strip().lower() == "true"
    raise FieldError("invalid_type", "must be true or false")


def as_flag(value: object) -> Iterator[CandidateValue]:
    """Other spellings: "yes", "1", 1."""
    flag = _read_loosely(value)
    if flag is not None:
        yield CandidateValue(flag, f"was read as {str(flag).lower()}")


def take_flags(payload: Mapping[str, Any], corrections: Corrections) -> dict[str, Any]:
    """Move the marks that have a key of their own to is_test. A value that is no mark stays where it is."""
    kept = dict(payload)
    for key, value in payload.items():
        flag = None if key == FIELD else _read_mark(fold_key(key), value)
        if flag is None:
            continue
        del kept[key]
        if flag and kept.get(FIELD) is not True:
            kept[FIELD] = True
            corrections.add(FIELD, MOVED, f"was read from {str(key)[:64]}")
    return kept


def read_test(reader: FieldReader, attributes: Mapping[str, Any], *, is_test: bool) -> bool:
    """Return whether it is a test lead, and take test values out of the fields that cannot hold them.

    `is_test`: the key or the caller says so. The values are changed in a copy of the payload.
    """
    flag = reader.read(FIELD, read_flag, loosen=as_flag)
    marked = list(dict.fromkeys(_find_marked(reader.payload, attributes)))
    for name in marked:
        reader.correct(name, TEST, "shows that this is a test lead")
    reader.payload = _leave_out(reader) if marked else reader.payload
    return is_test or bool(flag) or bool(marked)


def has_test_contact(payload: Mapping[str, Any]) -> bool:
    """Whether the way to reach the person is a test value, which is left out."""
    return any(is_test_text(payload.get(name)) for name in ("email", "phone"))


def mark_external_id(external_id: str, *, max_length: int) -> str:
    """Return the id under which a test lead is stored, so that a real lead may use the sender's id later."""
    marked = f"{ID_PREFIX}{external_id}"
    return marked if len(marked) <= max_length else shorten_id(marked, max_length=max_length)


def show_external_id(stored: str, *, is_test: bool) -> str:
    """Return the id as the sender sent it."""
    return stored.removeprefix(ID_PREFIX) if is_test else stored


def _read_mark(key: str, value: object) -> bool | None:
    if key in FLAG_KEYS:
        return _read_loosely(value)
    is_test_action = key == ACTION_KEY and isinstance(value, str) and value.strip().lower() == "test"
    return True if is_test_action else None


def _read_loosely(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    return FLAGS.get(value.strip().lower()) if isinstance(value, str) else None


def _find_marked(payload: Mapping[str, Any], attributes: Mapping[str, Any]) -> Iterator[str]:
    """Yield the fields whose value is a mark; "attributes" for any attribute."""
    for name, value in payload.items():
        if name != "attributes" and (is_test_text(value) or _is_test_value(name, value)):
            yield name
    for values in [[each] if not isinstance(each, list) else each for each in attributes.values()][
        :MAX_VALUES
    ]:
        if any(map(is_test_text, values[:MAX_VALUES])):
            yield "attributes"


def _is_test_value(name: str, value: object) -> bool:
    text = str(value).strip().lower() if isinstance(value, str | int) else ""
    if name == "zip":
        return text.partition("-")[0] == TEST_ZIP
    return name == "email" and text in TEST_EMAILS


def _leave_out(reader: FieldReader) -> dict[str, Any]:
    kept = dict(reader.payload)
    for name in TYPED:
        if is_test_text(kept.get(name)):
            del kept[name]
            reader.correct(name, DROPPED, "is a test value: left out")
    if is_test_text(kept.get("zip")):
        kept["zip"] = TEST_ZIP
        reader.correct("zip", ASSUMED, f"is a test value: read as {TEST_ZIP}")
    return kept
