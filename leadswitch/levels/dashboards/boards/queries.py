"""Short forms of the expressions that boards use most."""

from typing import Final

from leadswitch.levels.dashboards.board import Query
from leadswitch.levels.dashboards.expressions import (
    Expression,
    Gauge,
    Increase,
    Largest,
    Match,
    ProcessAggregation,
    Quantile,
    Rate,
    Series,
)

LARGEST: Final = 20
PERCENTILES: Final = (0.5, 0.95, 0.99)


def is_one_of(label: str, *values: str) -> Match:
    return Match(label, values)


def is_none_of(label: str, *values: str) -> Match:
    return Match(label, values, is_excluded=True)


def is_chosen(label: str) -> Match:
    """One of the values chosen in the board's variable of this name."""
    return Match(label, variable=label)


def gauge(name: str, legend: str, *where: Match) -> Query:
    return Query(Gauge(Series(name, where)), legend)


def gauge_by(
    label: str, name: str, *where: Match, aggregation: ProcessAggregation = ProcessAggregation.MAX
) -> Query:
    return Query(Gauge(Series(name, where), (label,), aggregation), f"{{{label}}}")


def rate(name: str, legend: str, *where: Match) -> Query:
    return Query(Rate(Series(name, where)), legend)


def rate_by(label: str, name: str, *where: Match) -> Query:
    return Query(Rate(Series(name, where), (label,)), f"{{{label}}}")


def increase(name: str, legend: str, *where: Match) -> Query:
    return Query(Increase(Series(name, where)), legend)


def increase_by(label: str, name: str, *where: Match) -> Query:
    return Query(Increase(Series(name, where), (label,)), f"{{{label}}}")


def percentiles(name: str, *where: Match) -> tuple[Query, ...]:
    return tuple(Query(Quantile(Series(name, where), each), f"p{100 * each:g}") for each in PERCENTILES)


def percentile_by(label: str, name: str) -> Query:
    return Query(Quantile(Series(name), 0.95, (label,)), f"{{{label}}}")


def largest(label: str, of: Query) -> Query:
    """The largest values of a query by this label."""
    return Query(Largest(_listed(of.expression), LARGEST), f"{{{label}}}")


def _listed(expression: Expression) -> Rate | Increase | Gauge:
    if isinstance(expression, Rate | Increase | Gauge):
        return expression
    raise TypeError(f"A list of {type(expression).__name__} is not supported.")
