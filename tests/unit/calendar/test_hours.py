"""Opening hours and cap windows against a scan of every minute."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.calendar.hours import HoursError, compile_hours, validate_hours, window_start
from routing.calendar.windows import WINDOW_KINDS, WindowKind, get_window

MINUTE = timedelta(minutes=1)
NEW_YORK = ZoneInfo("America/New_York")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

# A zone, and a moment close to a change of its clocks.
TURNS = [
    ("America/New_York", datetime(2026, 3, 8, 7, 0, tzinfo=UTC)),  # 02:00 -> 03:00
    ("America/New_York", datetime(2026, 11, 1, 6, 0, tzinfo=UTC)),  # 02:00 -> 01:00
    ("Asia/Kolkata", datetime(2026, 5, 1, 18, 30, tzinfo=UTC)),  # never, at a half-hour offset
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, 0, tzinfo=UTC)),  # 02:00 -> 01:30
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),  # 02:00 -> 02:30
    ("Pacific/Apia", datetime(2011, 12, 30, 10, 0, tzinfo=UTC)),  # Friday, December 30 is left out
    ("America/Havana", datetime(2026, 3, 8, 5, 0, tzinfo=UTC)),  # 00:00 -> 01:00
    ("America/Havana", datetime(2026, 11, 1, 5, 0, tzinfo=UTC)),  # 01:00 -> 00:00
    ("America/St_Johns", datetime(2010, 11, 7, 2, 31, tzinfo=UTC)),  # 00:01 -> 23:01 of the day before
    ("America/St_Johns", datetime(2010, 3, 14, 3, 31, tzinfo=UTC)),  # 00:01 -> 01:01
    ("Africa/Cairo", datetime(2026, 4, 23, 22, 0, tzinfo=UTC)),  # 00:00 -> 01:00
    ("Asia/Kathmandu", datetime(1985, 12, 31, 18, 30, tzinfo=UTC)),  # 00:00 -> 00:15
]
turns = st.sampled_from(TURNS)
offsets_minutes = st.integers(-3 * 1440, 3 * 1440)


def window_end(kind: WindowKind, at: datetime, zone: ZoneInfo | str) -> datetime:
    return get_window(kind, at=at, tz=zone)[1]


def as_clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


@st.composite
def day_intervals(draw: st.DrawFn) -> list[list[str]]:
    cuts = draw(
        st.lists(st.integers(0, 96).map(lambda quarter: quarter * 15), unique=True, max_size=6).map(sorted)
    )
    return [[as_clock(start), as_clock(end)] for start, end in zip(cuts[::2], cuts[1::2], strict=False)]


definitions = st.dictionaries(st.sampled_from(WEEKDAYS), day_intervals(), max_size=7)


def is_open_slowly(definition: dict[str, list[list[str]]], at: datetime, zone: ZoneInfo) -> bool:
    if not definition:
        return True
    local = at.astimezone(zone)
    clock = f"{local:%H:%M}"
    return any(start <= clock < end for start, end in definition.get(WEEKDAYS[local.weekday()], []))


@given(definitions, turns, offsets_minutes, st.integers(0, 59))
@settings(max_examples=150, deadline=None)
def test_next_open_agrees_with_a_scan(definition: Any, turn: Any, offset: int, second: int) -> None:
    zone_name, middle = turn
    zone = ZoneInfo(zone_name)
    hours = compile_hours(definition, zone_name)
    at = middle + offset * MINUTE + timedelta(seconds=second)
    assert hours.is_open(at) is is_open_slowly(definition, at, zone)
    found = hours.next_open(at)
    if definition and not any(definition.values()):
        assert found is None
        return
    moment = at
    while not is_open_slowly(definition, moment, zone):
        moment = moment.replace(second=0) + MINUTE
    assert found == moment
    assert found is not None
    assert found.tzinfo is UTC


@pytest.mark.parametrize(("zone_name", "middle"), TURNS)
@pytest.mark.parametrize("kind", WINDOW_KINDS)
def test_windows_agree_with_a_scan(kind: WindowKind, zone_name: str, middle: datetime) -> None:
    """A new window starts whenever the largest local hour, date, week or month seen so far changes."""
    zone = ZoneInfo(zone_name)

    def label(moment: datetime) -> Any:
        local = moment.astimezone(zone)
        if kind == "hour":
            return (local.utcoffset(), local.date(), local.hour)
        if kind == "day":
            return (local.date(),)
        return tuple(local.isocalendar())[:2] if kind == "week" else (local.year, local.month)

    moments = [middle + number * MINUTE for number in range(-3 * 1440, 3 * 1440)]
    boundaries, seen = [], label(moments[0])
    for moment in moments[1:]:
        if label(moment) != seen and (kind == "hour" or label(moment) > seen):
            boundaries.append(moment)
            seen = label(moment)
    for moment in moments[::7]:
        start, end = window_start(kind, moment, zone), window_end(kind, moment, zone_name)
        assert start <= moment < end
        assert [one for one in boundaries if start < one < end] == []
        assert start < moments[0] or start == moments[0] or start in boundaries
        assert end > moments[-1] or end in boundaries


@given(st.datetimes(datetime(2007, 1, 1), datetime(2040, 1, 1)), st.sampled_from([zone for zone, _ in TURNS]))  # noqa: DTZ001
@settings(deadline=None)
def test_windows_hold_their_moment_and_follow_each_other(naive: datetime, zone_name: str) -> None:
    at = naive.replace(tzinfo=UTC)
    for kind in WINDOW_KINDS:
        start, end = window_start(kind, at, zone_name), window_end(kind, at, zone_name)
        assert start <= at < end
        assert start.tzinfo is UTC
        assert window_start(kind, start, zone_name) == start
        assert window_start(kind, end, zone_name) == end
        assert window_end(kind, end - timedelta(microseconds=1), zone_name) == end


def test_day_follows_the_clocks() -> None:
    short = datetime(2026, 3, 8, 12, tzinfo=NEW_YORK)
    assert window_end("day", short, NEW_YORK) - window_start("day", short, NEW_YORK) == timedelta(hours=23)
    long = datetime(2026, 11, 1, 12, tzinfo=NEW_YORK)
    assert window_start("day", long, NEW_YORK) == datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert window_end("day", long, NEW_YORK) == datetime(2026, 11, 2, 5, tzinfo=UTC)
    assert window_start("week", long, NEW_YORK) == datetime(2026, 10, 26, 4, tzinfo=UTC)
    assert window_end("month", long, NEW_YORK) == datetime(2026, 12, 1, 5, tzinfo=UTC)


def test_skipped_opening_time_opens_when_the_clocks_jump() -> None:
    hours = compile_hours({"sun": [["02:30", "05:00"]]}, "America/New_York")
    assert hours.next_open(datetime(2026, 3, 8, 5, tzinfo=UTC)) == datetime(2026, 3, 8, 7, tzinfo=UTC)
    gone = compile_hours({"sun": [["02:10", "02:40"]]}, "America/New_York")
    assert gone.next_open(datetime(2026, 3, 8, 5, tzinfo=UTC)) == datetime(2026, 3, 15, 6, 10, tzinfo=UTC)


def test_repeated_hour_opens_twice() -> None:
    hours = compile_hours({"sun": [["01:00", "01:30"]]}, "America/New_York")
    first, again = datetime(2026, 11, 1, 5, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)
    assert hours.next_open(first - MINUTE) == first
    assert hours.next_open(first + 30 * MINUTE) == again


@pytest.mark.parametrize("definition", [{}, None])
def test_missing_definition_is_always_open(definition: Any) -> None:
    hours = compile_hours(definition, "UTC")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert hours.is_open(at) is True
    assert hours.next_open(at) == at


def test_end_is_exclusive_and_midnight_joins_two_days() -> None:
    hours = compile_hours(
        {"mon": [["22:00", "24:00"]], "tue": [["00:00", "06:00"], ["06:00", "07:00"]]}, "UTC"
    )
    monday = datetime(2026, 1, 5, tzinfo=UTC)
    assert hours.is_open(monday + timedelta(hours=23, minutes=59, seconds=59)) is True
    assert hours.is_open(monday + timedelta(hours=30)) is True
    assert hours.is_open(monday + timedelta(hours=31)) is False
    assert hours.next_open(monday + timedelta(hours=31)) == monday + timedelta(days=7, hours=22)


def test_empty_week_never_opens() -> None:
    assert compile_hours({"mon": []}, "UTC").next_open(datetime(2026, 1, 5, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("definition", "path", "hint"),
    [
        ([], "", "must be an object"),
        ({"monday": []}, "monday", "use one of mon"),
        ({"mon": "09:00"}, "mon", "must be a list"),
        ({"mon": [["09:00"]]}, "mon[0]", "a start and an end"),
        ({"mon": [["09:00", "17:00"], ["9:00", "17:00"]]}, "mon[1]", "HH:MM"),
        ({"mon": [["09:00", "24:01"]]}, "mon[0]", "HH:MM"),
        ({"mon": [["09:00", 17]]}, "mon[0]", "HH:MM"),
        ({"mon": [["09:00", "17:00\n"]]}, "mon[0]", "HH:MM"),
        ({"mon": [["22:00", "06:00"]]}, "mon[0]", "split"),
        ({"mon": [["09:00", "09:00"]]}, "mon[0]", "before the end"),
        ({"mon": [["10:00", "12:00"], ["09:00", "10:01"]]}, "mon[0]", "overlaps mon[1]"),
        ({"mon": [["09:00", "10:00"]] * 25}, "mon", "combine some"),
    ],
)
def test_refusals_name_the_path_and_the_fix(definition: Any, path: str, hint: str) -> None:
    with pytest.raises(HoursError) as caught:
        validate_hours(definition)
    assert caught.value.problems[0][0] == path
    assert hint in caught.value.problems[0][1]


@pytest.mark.parametrize("tz_name", ["Nowhere", "America", "../etc/passwd", "", "\x00", "/etc/passwd"])
def test_unknown_zone_is_refused(tz_name: str) -> None:
    with pytest.raises(HoursError, match="timezone: unknown time zone"):
        compile_hours({}, tz_name)
