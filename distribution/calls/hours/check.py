"""May this lead be called now, and if not, when: every place and the channel must be open, until the ringing ends."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Final, Literal, NamedTuple, TypeAlias

from distribution.calls.hours.places import Place
from distribution.calls.hours.rules import Rules, Window, find_window, name_area
from distribution.calls.hours.spans import Span, intersect_spans, list_spans
from distribution.calls.hours.wording import describe_window
from routing.calendar.hours import Hours
from routing.calendar.zones import load_zone

SEARCH: Final = timedelta(days=14)
# A span that begins within the search is seen to its end.
LONGEST_SPAN: Final = timedelta(days=2)
ReasonCode: TypeAlias = Literal["no_timezone", "no_calling_hours", "outside_calling_hours", "channel_closed"]


class HoursReason(NamedTuple):
    """Why a call is not allowed. `text` has no personal data."""

    code: ReasonCode
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursVerdict:
    """`opens_at` is the first moment, now or later, at which a call may begin; `closes_at` is the first moment after
    it at which none may. Both are None if that is not within 14 days. `reasons` is empty if it is open.
    """

    is_open: bool
    opens_at: datetime | None
    closes_at: datetime | None
    reasons: tuple[HoursReason, ...]


class _Calendar(NamedTuple):
    """Where one place or the channel is open, and what to say if it is not."""

    spans: list[Span]
    reason: HoursReason


NO_PLACE: Final = HoursReason("no_timezone", "The lead's time zone is unknown.")
CHANNEL_CLOSED: Final = HoursReason("channel_closed", "The channel is closed at this hour.")


def check_hours(
    places: Sequence[Place], *, rules: Rules, at: datetime, margin: timedelta, channel_hours: Hours | None
) -> HoursVerdict:
    """Open if every place and the channel are open from `at` until `margin` later, that moment included.

    `margin` is how long the call may wait at the carrier and ring. Without `channel_hours` the channel is always open.
    """
    unknown = tuple(_find_unknown(places, rules=rules))
    if unknown:
        return HoursVerdict(is_open=False, opens_at=None, closes_at=None, reasons=unknown)
    at = at.astimezone(UTC)
    within = Span(at, at + SEARCH + LONGEST_SPAN + margin)
    calendars = list(_list_calendars(places, rules=rules, channel_hours=channel_hours, within=within))
    allowed = _find_start_times(calendars, at=at, margin=margin)
    closed = (each.reason for each in calendars if not _is_open(each, at=at, margin=margin))
    return HoursVerdict(
        is_open=allowed is not None and allowed.start == at,
        opens_at=allowed.start if allowed else None,
        closes_at=allowed.end if allowed else None,
        reasons=tuple(dict.fromkeys(closed)),
    )


def _find_unknown(places: Sequence[Place], *, rules: Rules) -> Iterator[HoursReason]:
    if not places:
        yield NO_PLACE
    for area in dict.fromkeys(place[:2] for place in places if find_window(place, rules=rules) is None):
        name = name_area(area[0], state=area[1])
        yield HoursReason(
            "no_calling_hours", f"{name}: no calling hours are set, so calls there are not allowed."
        )


def _list_calendars(
    places: Sequence[Place], *, rules: Rules, channel_hours: Hours | None, within: Span
) -> Iterator[_Calendar]:
    for place in places:
        window = find_window(place, rules=rules)
        if window is not None:
            yield _make_calendar(window, place=place, within=within)
    if channel_hours is not None:
        yield _Calendar(_list_channel_spans(channel_hours, within=within), CHANNEL_CLOSED)


def _make_calendar(window: Window, *, place: Place, within: Span) -> _Calendar:
    zone = load_zone(place.zone)
    spans = list_spans(window.list_open_minutes, zone=zone, within=within)
    text = describe_window(window, local=within.start.astimezone(zone))
    return _Calendar(spans, HoursReason("outside_calling_hours", text))


def _list_channel_spans(hours: Hours, *, within: Span) -> list[Span]:
    return list_spans(hours.list_open_minutes, zone=hours.zone, within=within)


def _is_open(calendar: _Calendar, *, at: datetime, margin: timedelta) -> bool:
    return any(span.start <= at and at + margin < span.end for span in calendar.spans)


def _find_start_times(calendars: Sequence[_Calendar], *, at: datetime, margin: timedelta) -> Span | None:
    """The first span in which a call may begin."""
    for start, end in reduce(intersect_spans, (each.spans for each in calendars)):
        if start > at + SEARCH:
            return None
        if start < end - margin:
            return Span(start, end - margin)
    return None
