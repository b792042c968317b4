"""How a template writes a time, a phone or a text. A value that does not fit its format stays unchanged.

The names of months and days do not follow the machine's language.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

import phonenumbers
from phonenumbers import PhoneNumberFormat

from distribution.deliveries.payloads.fields import FieldKind
from routing.places.states import US_NAMES

MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DIRECTIVE: Final = re.compile(r"%(-?.|$)", re.DOTALL)
HALF_DAY: Final = 12
SHORT: Final = 3


def _hour12(at: datetime) -> int:
    return at.hour % HALF_DAY or HALF_DAY


# As in C's strftime, with GNU's - for no leading zero.
DIRECTIVES: Final[Mapping[str, Callable[[datetime], str]]] = {
    "Y": lambda at: f"{at.year:04}",
    "y": lambda at: f"{at.year % 100:02}",
    "m": lambda at: f"{at.month:02}",
    "-m": lambda at: str(at.month),
    "B": lambda at: MONTHS[at.month - 1],
    "b": lambda at: MONTHS[at.month - 1][:SHORT],
    "d": lambda at: f"{at.day:02}",
    "-d": lambda at: str(at.day),
    "A": lambda at: DAYS[at.weekday()],
    "a": lambda at: DAYS[at.weekday()][:SHORT],
    "H": lambda at: f"{at.hour:02}",
    "-H": lambda at: str(at.hour),
    "I": lambda at: f"{_hour12(at):02}",
    "-I": lambda at: str(_hour12(at)),
    "M": lambda at: f"{at.minute:02}",
    "S": lambda at: f"{at.second:02}",
    "p": lambda at: "AM" if at.hour < HALF_DAY else "PM",
    "z": lambda at: at.strftime("%z"),
    "Z": lambda at: at.tzname() or "",
    "%": lambda _: "%",
}
TIMES: Final[Mapping[str, Callable[[datetime], Any]]] = {
    "iso": lambda at: at.isoformat(timespec="seconds").replace("+00:00", "Z"),
    "date": lambda at: at.date().isoformat(),
    "unix": lambda at: int(at.timestamp()),
    "unix_ms": lambda at: int(at.timestamp()) * 1000 + at.microsecond // 1000,
}


def _write_phone(number: Any, style: int) -> str:
    return str(phonenumbers.format_number(number, style))


PHONES: Final[Mapping[str, Callable[[Any], str]]] = {
    "e164": lambda number: _write_phone(number, PhoneNumberFormat.E164),
    "international": lambda number: _write_phone(number, PhoneNumberFormat.INTERNATIONAL),
    "national": lambda number: _write_phone(number, PhoneNumberFormat.NATIONAL),
    "digits": lambda number: str(number.country_code) + phonenumbers.national_significant_number(number),
    "local_digits": phonenumbers.national_significant_number,
}
TEXTS: Final[Mapping[str, Callable[[str], str]]] = {
    "upper": str.upper,
    "lower": str.lower,
    "only_digits": lambda text: re.sub(r"[^0-9]", "", text),
    "state_name": lambda text: US_NAMES.get(text, text),
}
FITTING: Final[Mapping[FieldKind, tuple[str, ...]]] = {
    "text": tuple(TEXTS),
    "phone": (*PHONES, "only_digits"),
    "state": tuple(TEXTS),
    "time": tuple(TIMES),
    "number": (),
    "flag": (),
    "object": (),
    "any": (*TEXTS, *PHONES, *TIMES),
}


def find_format_problem(name: str, *, kind: FieldKind) -> str | None:
    if "%" in name and kind in ("time", "any"):
        unknown = [found for found in DIRECTIVE.findall(name) if found not in DIRECTIVES]
        known = " ".join(f"%{each}" for each in DIRECTIVES)
        return f"unknown %{unknown[0]} in format {name!r}: use {known}" if unknown else None
    if name in FITTING[kind]:
        return None
    names = ", ".join(FITTING[kind]) or "none: remove it"
    pattern = ", or a pattern like %m/%d/%Y" if kind in ("time", "any") else ""
    return f"format {name!r} does not fit this field: use {names}{pattern}"


def apply_format(value: Any, name: str, *, zone: tzinfo = UTC) -> Any:
    """`name` passed find_format_problem. A list is formatted item by item."""
    if isinstance(value, list):
        return [apply_format(item, name, zone=zone) for item in value]
    if not isinstance(value, str):
        return value
    if name in TEXTS:
        return TEXTS[name](value)
    return _format_phone(value, name) if name in PHONES else _format_time(value, name, zone=zone)


def _format_phone(text: str, name: str) -> str:
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return text
    return PHONES[name](number)


def _format_time(text: str, name: str, *, zone: tzinfo) -> Any:
    """A time without an offset is one of `zone`."""
    try:
        at = datetime.fromisoformat(text.strip())
        at = at.astimezone(zone) if at.tzinfo else at.replace(tzinfo=zone)
    except (ValueError, OverflowError):
        return text
    if name in TIMES:
        return TIMES[name](at)
    return DIRECTIVE.sub(lambda found: DIRECTIVES[found[1]](at), name)
