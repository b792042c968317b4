"""Calling hours by law, and what remains of them at one place: the narrowest of its country's and its state's rule."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final, TypeAlias

from distribution.calls.hours.holidays import find_holiday
from distribution.calls.hours.places import Place
from routing.places.states import CANADIAN_NAMES, US_NAMES

MINUTES_PER_HOUR: Final = 60
SUNDAY: Final = 6
COUNTRY_NAMES: Final = {"US": "United States", "CA": "Canada"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of the table. An empty `state` is the rule of the whole country."""

    country: str
    state: str
    opens: time
    closes: time
    calls_on_sunday: bool = True
    calls_on_holidays: bool = True
    most_calls_per_day: int | None = None


Rules: TypeAlias = Mapping[tuple[str, str], Rule]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What country and state both allow. The times are minutes of the local day; the place is open before `closes`."""

    country: str
    state: str
    opens: int
    closes: int
    calls_on_sunday: bool
    calls_on_holidays: bool
    most_calls_per_day: int | None

    def list_open_minutes(self, day: date) -> tuple[tuple[int, int], ...]:
        """The open minutes [start, end) of a local date."""
        is_closed = self.opens >= self.closes or self.find_closed_day(day) is not None
        return () if is_closed else ((self.opens, self.closes),)

    def is_open(self, local: datetime) -> bool:
        minute = count_minutes(local.time())
        return any(start <= minute < end for start, end in self.list_open_minutes(local.date()))

    def find_closed_day(self, day: date) -> str | None:
        """Why there are no calls on this local date: "Sunday", or the name of a holiday; None if there are calls."""
        if not self.calls_on_sunday and day.weekday() == SUNDAY:
            return "Sunday"
        return None if self.calls_on_holidays else find_holiday(day, state=self.state)


def index_rules(rules: Iterable[Rule]) -> Rules:
    return {(rule.country, rule.state): rule for rule in rules}


def find_window(place: Place, *, rules: Rules) -> Window | None:
    """None if the country or the state has no rule: then nobody there is called."""
    country, state = (rules.get((place.country, name)) for name in ("", place.state))
    return None if country is None or state is None else _intersect(country, state)


def find_most_calls_per_day(places: Iterable[Place], *, rules: Rules) -> int | None:
    """The lowest limit of these places on calls to one lead in 24 hours; None without a limit."""
    windows = (find_window(place, rules=rules) for place in places)
    return _lowest(window.most_calls_per_day for window in windows if window is not None)


def name_area(country: str, *, state: str) -> str:
    """Florida, Ontario, Canada; the country's code if its name is unknown."""
    if country == "US" and state:
        return US_NAMES.get(state, state)
    if country == "CA" and state:
        return CANADIAN_NAMES.get(state, state)
    return COUNTRY_NAMES.get(country, country)


def _intersect(country: Rule, state: Rule) -> Window:
    both = (country, state)
    return Window(
        country=state.country,
        state=state.state,
        opens=max(count_minutes(rule.opens) for rule in both),
        closes=min(count_minutes(rule.closes) for rule in both),
        calls_on_sunday=all(rule.calls_on_sunday for rule in both),
        calls_on_holidays=all(rule.calls_on_holidays for rule in both),
        most_calls_per_day=_lowest(rule.most_calls_per_day for rule in both),
    )


def _lowest(limits: Iterable[int | None]) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def count_minutes(clock: time) -> int:
    """Full minutes since midnight."""
    return clock.hour * MINUTES_PER_HOUR + clock.minute
