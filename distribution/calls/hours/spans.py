"""Spans of time in UTC from opening hours on a local clock, and what several of them have in common.

A moment is open if the local clock shows an open minute of its local date. So a minute that the clock skips does not
occur, and a minute that it repeats is open twice.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from routing.calendar.zones import find_offset_change, get_offset

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


class Span(NamedTuple):
    """From `start`, before `end`."""

    start: datetime
    end: datetime


# The open minutes [start, end) of a local date; the last minute of a day ends at 1440.
OpenMinutes: TypeAlias = Callable[[date], Sequence[tuple[int, int]]]


def list_spans(open_minutes: OpenMinutes, *, zone: ZoneInfo, within: Span) -> list[Span]:
    """The open spans, sorted and apart from each other."""
    pieces = (
        piece
        for part in _split_at_offset_changes(within, zone=zone)
        for piece in _list_pieces(open_minutes, offset=get_offset(part.start, zone=zone), within=part)
    )
    return join_spans(pieces)


def join_spans(spans: Iterable[Span]) -> list[Span]:
    """Spans that touch become one. `spans` are sorted by their start."""
    joined: list[Span] = []
    for span in spans:
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


def intersect_spans(left: Sequence[Span], right: Sequence[Span]) -> list[Span]:
    common = []
    left_index = right_index = 0
    while left_index < len(left) and right_index < len(right):
        one, other = left[left_index], right[right_index]
        both = Span(max(one.start, other.start), min(one.end, other.end))
        if both.start < both.end:
            common.append(both)
        if one.end <= other.end:
            left_index += 1
        else:
            right_index += 1
    return common


def _split_at_offset_changes(within: Span, *, zone: ZoneInfo) -> Iterator[Span]:
    start = within.start
    while (change := find_offset_change(start, within.end, zone=zone)) is not None:
        yield Span(start, change)
        start = change
    yield Span(start, within.end)


def _list_pieces(open_minutes: OpenMinutes, *, offset: timedelta, within: Span) -> Iterator[Span]:
    day, last = ((moment.astimezone(UTC) + offset).date() for moment in within)
    while day <= last:
        midnight = datetime.combine(day, time.min, tzinfo=UTC) - offset
        for opens, closes in open_minutes(day):
            start = max(midnight + opens * MINUTE, within.start)
            end = min(midnight + closes * MINUTE, within.end)
            if start < end:
                yield Span(start, end)
        day += DAY
