"""A gauge of the exporter, and the collector that reads its value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Series:
    """`label`: the name of its only label; "": it has none."""

    name: str
    help: str
    label: str = ""


# By label value, or the only value.
Value = float | Mapping[str, float]
Values = Mapping[Series, Value]


@dataclass(frozen=True, slots=True)
class CollectorRow:
    """`read` returns values of these series; a series without a value is not shown. It may raise any error.

    `answers`: a series that is 1 if the last pass succeeded, and 0 otherwise.
    """

    name: str
    series: tuple[Series, ...]
    read: Callable[[], Values]
    answers: Series | None = None
