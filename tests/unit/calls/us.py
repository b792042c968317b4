"""The shipped rules, places and times of these tests."""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from distribution.calls.hours.check import HoursVerdict, check_hours
from distribution.calls.hours.places import Place
from distribution.calls.hours.rules import Rules, index_rules
from routing.calendar.hours import Hours
from tests.support.us_rules import list_us_rules

US_RULES: Final = index_rules(each.rule for each in list_us_rules())
NOW: Final = timedelta(0)
ZONES: Final = {
    "AK": "America/Anchorage", "AZ": "America/Phoenix", "GU": "Pacific/Guam", "HI": "Pacific/Honolulu",
    "MP": "Pacific/Saipan", "AS": "Pacific/Pago_Pago", "PR": "America/Puerto_Rico", "VI": "America/St_Thomas",
    **dict.fromkeys(("CO", "MT", "NM", "UT", "WY"), "America/Denver"),
    **dict.fromkeys(("CA", "ID", "NV", "OR", "WA"), "America/Los_Angeles"),
    **dict.fromkeys(
        ("AL", "AR", "IA", "IL", "KS", "LA", "MN", "MO", "MS", "ND", "NE", "OK", "SD", "TN", "TX", "WI"),
        "America/Chicago",
    ),
}  # fmt: skip


def place(state: str, *, zone: str | None = None) -> Place:
    """A place in this state, by default in the zone of most of its people."""
    return Place("US", state, zone or ZONES.get(state, "America/New_York"))


def local(text: str, *, state: str = "GA", zone: str | None = None, fold: int = 0) -> datetime:
    """A moment by the clock of the place, in UTC."""
    wall = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(place(state, zone=zone).zone), fold=fold)
    return wall.astimezone(UTC)


def check(
    *places: Place,
    at: datetime,
    margin: timedelta = NOW,
    rules: Rules = US_RULES,
    channel_hours: Hours | None = None,
) -> HoursVerdict:
    return check_hours(places, rules=rules, at=at, margin=margin, channel_hours=channel_hours)


def list_texts(verdict: HoursVerdict) -> list[str]:
    return [reason.text for reason in verdict.reasons]
