"""What a dashboard is made of, in any format."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from leadswitch.levels.alerts.alert import Dashboard
from leadswitch.levels.dashboards.expressions import Expression

COLUMNS: Final = 24


class View(StrEnum):
    LINES = "lines"
    STACKED = "stacked"  # bars on top of each other, one for each interval
    NUMBER = "number"  # the latest value
    LIST = "list"  # the largest values as horizontal bars
    TABLE = "table"  # all latest values


class Unit(StrEnum):
    COUNT = "count"
    PER_SECOND = "per second"
    SECONDS = "seconds"
    SHARE = "share"  # 1 is 100%
    BYTES = "bytes"
    DOLLARS = "dollars"
    YES_NO = "yes or no"  # 1 or 0


@dataclass(frozen=True, slots=True)
class Query:
    """`legend` is a text, or the label whose value names each line, in braces."""

    expression: Expression
    legend: str


@dataclass(frozen=True, slots=True)
class Threshold:
    """From `value` on the figure is a warning or an error. `is_below`: up to `value`."""

    value: float
    is_error: bool = False
    is_below: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One chart. `description` says what it shows and which value is normal."""

    title: str
    description: str
    unit: Unit
    queries: tuple[Query, ...]
    view: View = View.LINES
    thresholds: tuple[Threshold, ...] = ()
    width: int = 12
    height: int = 8


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A list of the board that limits its charts to some values of a label. `series` has all values."""

    label: str
    title: str
    series: str


@dataclass(frozen=True, slots=True)
class Board:
    uid: Dashboard
    title: str
    description: str
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...] = ()

    @property
    def panels(self) -> Iterator[Panel]:
        return (panel for row in self.rows for panel in row.panels)
