"""Expressions as queries of Datadog: named queries, and a formula over them.

Names are those that the Agent gives the series with the files in ops/datadog/openmetrics.d: a counter ends with
.count in place of _total, a gauge keeps its name, and a histogram is a distribution.
"""

from dataclasses import dataclass, field
from typing import Final, assert_never

from leadswitch.levels.dashboards import expressions

NAMESPACE: Final = "leadswitch"
PREFIX: Final = "leadswitch_"


class NotInDatadog(Exception):
    """The expression reads a series that only Prometheus has."""


@dataclass
class FormulaQueries:
    """The texts of the queries by their names, in the order in which the formula needs them."""

    by_name: dict[str, str] = field(default_factory=dict)

    def add(self, text: str) -> str:
        name = f"query{len(self.by_name) + 1}"
        self.by_name[name] = text
        return name


def to_formula(expression: expressions.Expression, queries: FormulaQueries) -> str:
    """The formula. Its queries are added to `queries`. Raises NotInDatadog."""
    match expression:
        case (
            expressions.Rate()
            | expressions.Increase()
            | expressions.Gauge()
            | expressions.Quantile()
            | expressions.Observed()
        ):
            return queries.add(to_query(expression))
        case expressions.ShareUpTo(series, seconds):
            good = queries.add(f"count(v: v<={seconds}):{_name(series)}{_scope(series)}.as_count()")
            return f"{good} / {queries.add(f'count:{_name(series)}{_scope(series)}.as_count()')}"
        case expressions.CountAbove(series, seconds):
            return queries.add(f"count(v: v>{seconds}):{_name(series)}{_scope(series)}.as_count()")
        case expressions.Share(part, whole):
            return f"{to_formula(part, queries)} / {to_formula(whole, queries)}"
        case expressions.Scaled(of, factor):
            return f"{factor:g} * {to_formula(of, queries)}"
        case expressions.Largest(of):
            return to_formula(of, queries)
        case expressions.Recorded(name):
            raise NotInDatadog(name)
    assert_never(expression)


def to_query(
    expression: expressions.Rate
    | expressions.Increase
    | expressions.Gauge
    | expressions.Quantile
    | expressions.Observed,
) -> str:
    series, groups = expression.series, _group(expression.by)
    match expression:
        case expressions.Rate():
            return f"sum:{_counted(series)}{_scope(series)}{groups}.as_rate()"
        case expressions.Increase():
            return f"sum:{_counted(series)}{_scope(series)}{groups}.as_count()"
        case expressions.Gauge():
            return f"{expression.aggregation}:{_name(series)}{_scope(series)}{groups}"
        case expressions.Quantile():
            return f"p{100 * expression.quantile:g}:{_name(series)}{_scope(series)}{groups}"
        case expressions.Observed():
            return f"count:{_name(series)}{_scope(series)}{groups}.as_rate()"
    assert_never(expression)


def _name(series: expressions.Series) -> str:
    return f"{NAMESPACE}.{series.name.removeprefix(PREFIX)}"


def _counted(series: expressions.Series) -> str:
    """A counter, or the count of a histogram: the Agent ends both with .count."""
    return f"{_name(series).removesuffix('_total').removesuffix('_count')}.count"


def _scope(series: expressions.Series) -> str:
    return "{" + (" AND ".join(map(_match, series.where)) or "*") + "}"


def _match(match: expressions.Match) -> str:
    if match.variable:
        return f"${match.variable}"
    if match.is_excluded:
        return (
            f"{match.label} NOT IN ({', '.join(match.values)})" if any(match.values) else f"{match.label}:*"
        )
    return f"{match.label} IN ({', '.join(match.values)})"


def _group(labels: tuple[str, ...]) -> str:
    return f" by {{{','.join(labels)}}}" if labels else ""
