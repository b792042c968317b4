"""Values in words: money, times, places, lists. Pure: the caller passes the names of rows."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from tracing.kinds import NUMBER

WEEKDAYS: Final = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
MAX_LISTED: Final = 8
FLAGS: Final = frozenset({"true", "false", "yes", "no"})


def money(cents: int) -> str:
    """Credits are cents: 2500 is "$25.00"."""
    sign = "-" if cents < 0 else ""
    return f"{sign}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def short_id(public_id: UUID) -> str:
    """The end of an id: ids that were made in the same seconds begin alike."""
    return f"…{str(public_id)[-6:]}"


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def utc(at: datetime) -> str:
    """The form of every time in data for programs: ISO 8601 in UTC with a Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def local_moment(at: datetime, *, timezone: str) -> str:
    """To the minute, with the local time of the workspace or buyer: "2026-08-03 04:00 UTC (00:00
    America/New_York)".
    """
    text = f"{at:%Y-%m-%d %H:%M} UTC"
    if timezone == "UTC":
        return text
    local = at.astimezone(ZoneInfo(timezone))
    day = "" if local.date() == at.date() else f"{local:%Y-%m-%d} "
    return f"{text} ({day}{local:%H:%M} {timezone})"


def local_second(at: datetime, *, timezone: str) -> str:
    """As local_moment, to the second: "2026-08-03 04:00:05 UTC (00:00:05 America/New_York)"."""
    if timezone == "UTC":
        return moment(at)
    local = at.astimezone(ZoneInfo(timezone))
    day = "" if local.date() == at.date() else f"{local:%Y-%m-%d} "
    return f"{moment(at)} ({day}{local:%H:%M:%S} {timezone})"


def parse_moment(text: Any) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def duration(ms: float) -> str:
    if ms >= 1000:
        return f"{ms / 1000:.1f} s"
    return f"{ms:.0f} ms" if ms >= 1 else "under 1 ms"


def span(seconds: float) -> str:
    """The two largest units, rounded down: "4 s", "3 min 20 s", "2 h", "3 d 4 h"."""
    parts, left = [], int(seconds)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        number, left = divmod(left, size)
        parts.append((number, unit))
    while len(parts) > 1 and not parts[0][0]:
        del parts[0]
    return " ".join(f"{number} {unit}" for number, unit in parts[:2] if number) or "0 s"


def count(number: int, singular: str, plural: str = "") -> str:
    """1 buyer, 2 buyers."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def value(observed: Any) -> str:
    """The value of a lead's field, or a buyer's answer."""
    if observed is None:
        return "missing"
    if isinstance(observed, bool):
        return "yes" if observed else "no"
    if isinstance(observed, list | tuple):
        return one_of([value(each) for each in observed])
    return str(observed) if observed != "" else "empty"


def typed_value(observed: Any) -> str:
    """The value of an attribute, which may have any type. Text that looks like a number or a flag is in quotes."""
    if isinstance(observed, list | tuple):
        return one_of([typed_value(each) for each in observed])
    if isinstance(observed, str) and (NUMBER.fullmatch(observed) or observed.casefold() in FLAGS):
        return f'"{observed}"'
    return value(observed)


def value_of(field: str, observed: Any) -> str:
    return typed_value(observed) if field.startswith("attributes.") else value(observed)


def one_of(names: Sequence[str]) -> str:
    if not names:
        return "none"
    shown, hidden = names[:MAX_LISTED], len(names) - MAX_LISTED
    if hidden > 0:
        return f"{', '.join(shown)} or {hidden} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def field_name(field: str) -> str:
    return field.removeprefix("attributes.")


def place(observed: dict[str, Any]) -> str:
    """ "10001, New York County, NY", with the parts that are known."""
    parts = [observed.get(name) for name in ("zip", "county", "state")]
    return ", ".join(str(part) for part in parts if part) or "an unknown place"


def opening(windows: Sequence[Sequence[str]]) -> str:
    """The opening hours of one day."""
    return " and ".join(f"{start} to {end}" for start, end in windows)


def sentence(text: str) -> str:
    """Start with a capital letter, and end with a period unless the text ends with . ? or !"""
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "?", "!")) else ".")
