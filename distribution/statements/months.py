"""Months of a buyer's calendar. Reads no clock and no database."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Self

from routing.calendar.zones import load_zone, start_of_day

ONE_DAY: Final = timedelta(days=1)
MORE_THAN_A_MONTH: Final = timedelta(days=32)


@dataclass(frozen=True, slots=True)
class Month:
    """A month in a time zone. `first_day`: its first day."""

    first_day: date
    timezone: str

    @classmethod
    def of(cls, at: datetime, *, timezone: str) -> Self:
        """The month that runs at `at`."""
        return cls(at.astimezone(load_zone(timezone)).date().replace(day=1), timezone)

    @property
    def next_first_day(self) -> date:
        return (self.first_day + MORE_THAN_A_MONTH).replace(day=1)

    @property
    def previous_first_day(self) -> date:
        return (self.first_day - ONE_DAY).replace(day=1)

    @property
    def starts_at(self) -> datetime:
        return start_of_day(self.first_day, zone=load_zone(self.timezone))

    @property
    def ends_at(self) -> datetime:
        """The first instant of the next month. Months with a change of the clocks are longer or shorter."""
        return start_of_day(self.next_first_day, zone=load_zone(self.timezone))

    def is_closed(self, *, at: datetime) -> bool:
        return self.ends_at <= at


def today_in(timezone: str, *, at: datetime) -> date:
    return at.astimezone(load_zone(timezone)).date()


def end_of_day(day: date, *, timezone: str) -> datetime:
    return start_of_day(day + ONE_DAY, zone=load_zone(timezone))
