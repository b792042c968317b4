"""Times as forms and spreadsheets write them: without a zone, as a date alone, in American or European order."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Final

from routing.values.lenient import CandidateValue
from routing.values.normalize import FieldError

SEPARATED: Final = re.compile(
    r"(?P<a>\d{1,4})(?P<separator>[/.-])(?P<b>\d{1,2})(?P=separator)(?P<c>\d{1,4})"
    r"(?:(?:,?\s+|T)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?\s*(?P<half>[AaPp])?\.?(?:[Mm]\.?)?)?"
)
UNIX: Final = re.compile(r"([0-9]{10})(?:[0-9]{3})?(?:\.0+)?")
YEARS_OF_TWO_DIGITS: Final = 2000
HALF_DAY: Final = 12


def read_local_time(text: str, *, zone: tzinfo, is_day_first: bool = False) -> datetime:
    """Read ISO 8601, or a numeric date with or without a time. Without an offset, use `zone`. Raises FieldError.

    A date without a time is the start of that day in `zone`.
    """
    written = " ".join(text.split())
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        moment = _read_figures(written, is_day_first=is_day_first)
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (OverflowError, ValueError):
        raise FieldError("invalid", "is not a date and time: write it like 2026-01-31 14:05") from None


def as_moment(value: object, *, zone: tzinfo) -> Iterator[CandidateValue]:
    """Candidates in ISO 8601 with an offset."""
    text = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    if matched := UNIX.fullmatch(text.strip()):
        moment = datetime.fromtimestamp(int(matched[1]), tz=UTC)
        yield CandidateValue(moment.isoformat(), "is a Unix timestamp: read as one")
        return
    try:
        moment = read_local_time(text, zone=zone)
    except FieldError:
        return
    yield CandidateValue(moment.isoformat(), f"has no UTC offset: read in the time zone {zone}")


def _read_figures(text: str, *, is_day_first: bool) -> datetime:
    matched = SEPARATED.fullmatch(text)
    if matched is None:
        raise FieldError(
            "invalid", "is not a date and time: write it like 2026-01-31 14:05 or 1/31/2026 2:05 PM"
        )
    year, month, day = _order(matched, is_day_first=is_day_first)
    hour, minute, second = (int(matched[name] or 0) for name in ("hour", "minute", "second"))
    if matched["half"]:
        hour = hour % HALF_DAY + (HALF_DAY if matched["half"] in "pP" else 0)
    try:
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the caller adds the zone
    except ValueError:
        raise FieldError(
            "invalid", "is a date that does not exist: check the order of day and month"
        ) from None


def _order(matched: re.Match[str], *, is_day_first: bool) -> tuple[int, int, int]:
    """31.01.2026 is always day first; 1/31/2026 is month first unless `is_day_first`."""
    a, b, c = matched["a"], matched["b"], matched["c"]
    if len(a) > 2:
        return int(a), int(b), int(c)
    year = int(c) + (YEARS_OF_TWO_DIGITS if len(c) <= 2 else 0)
    if matched["separator"] == "." or is_day_first:
        return year, int(b), int(a)
    return year, int(a), int(b)
