"""Time zones: lookup by name, and where their UTC offset changes. No clock is read here."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


class UnknownTimezone(ValueError):
    """The name is not in the IANA database."""

    def __init__(self) -> None:
        super().__init__("unknown time zone: use an IANA name like America/New_York")


def load_zone(tz_name: str) -> ZoneInfo:
    # ZoneInfo answers "America" with an OSError, "../x" and NUL with a ValueError, "Nowhere" with a KeyError.
    try:
        return ZoneInfo(tz_name)
    except (KeyError, ValueError, OSError, TypeError):
        raise UnknownTimezone from None


def get_offset(moment: datetime, *, zone: ZoneInfo) -> timedelta:
    """Local time minus UTC at an aware moment."""
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def find_offset_change(start: datetime, end: datetime, *, zone: ZoneInfo) -> datetime | None:
    """The first instant in (start, end] with another offset than `start` has.

    It looks once a day: two changes within a day that cancel out would be missed, and no zone has them.
    """
    offset = get_offset(start, zone=zone)
    before = start
    while before < end:
        after = min(before + DAY, end)
        if get_offset(after, zone=zone) != offset:
            return _bisect_offset_change(before, after, zone=zone)
        before = after
    return None


def _bisect_offset_change(before: datetime, after: datetime, *, zone: ZoneInfo) -> datetime:
    offset = get_offset(before, zone=zone)
    # Changes happen on whole seconds.
    low, high = int(before.timestamp()), -int(-after.timestamp() // 1)
    while high - low > 1:
        middle = (low + high) // 2
        if get_offset(datetime.fromtimestamp(middle, UTC), zone=zone) == offset:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def start_of_day(day: date, *, zone: ZoneInfo) -> datetime:
    """The first instant, in UTC, whose local date is `day`, or a later one when the zone skipped `day`."""
    midnight = datetime.combine(day, time.min, tzinfo=zone)
    start = midnight.astimezone(UTC)
    if start.astimezone(zone).date() == day and start.astimezone(zone).time() == time.min:
        return start
    # The clocks jumped over midnight, so the day begins at the jump.
    return find_offset_change(start - DAY, start, zone=zone) or start
