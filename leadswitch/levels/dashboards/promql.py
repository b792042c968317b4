"""Expressions in PromQL, with the intervals that Grafana fills in."""

from typing import Final, assert_never

from leadswitch.levels.dashboards.expressions import (
    CountAbove,
    Expression,
    Gauge,
    Increase,
    Largest,
    Match,
    Observed,
    Quantile,
    Rate,
    Recorded,
    Scaled,
    Series,
    Share,
    ShareUpTo,
)

RATE_INTERVAL: Final = "$__rate_interval"
CHART_INTERVAL: Final = "$__interval"
SHOWN_PERIOD: Final = "$__range"


def to_promql(expression: Expression) -> str:
    match expression:
        case Rate() | Increase() | Observed():
            return _count(expression)
        case Gauge(series, by, aggregation):
            return f"{aggregation}{_by(by)} ({_select(series)})"
        case Quantile(series, quantile, by):
            buckets = f"rate({_select(series, '_bucket')}[{RATE_INTERVAL}])"
            return f"histogram_quantile({quantile:g}, {_sum(('le', *by), buckets)})"
        case ShareUpTo():
            return _share_up_to(expression)
        case CountAbove():
            return _slower(expression)
        case Share(part, whole):
            return f"{to_promql(part)} / ({to_promql(whole)} > 0)"
        case Scaled(of, factor):
            return f"{factor:g} * {to_promql(of)}"
        case Largest(of, count):
            return f"topk({count}, {to_promql(of)} > 0)"
        case Recorded(name, slo):
            return f'{name}{{slo="{slo}"}}'
    assert_never(expression)


def _count(expression: Rate | Increase | Observed) -> str:
    match expression:
        case Rate(series, by):
            return _sum(by, f"rate({_select(series)}[{RATE_INTERVAL}])")
        case Increase(series, by):
            return _sum(by, f"increase({_select(series)}[{CHART_INTERVAL}])")
        case Observed(series, by):
            return _sum(by, f"rate({_select(series, '_count')}[{RATE_INTERVAL}])")


def _share_up_to(share: ShareUpTo) -> str:
    good = _sum((), f"rate({_select_edge(share)}[{RATE_INTERVAL}])")
    return f"{good} / ({to_promql(Observed(share.series))} > 0)"


def _slower(slower: CountAbove) -> str:
    every = _sum((), f"increase({_select(slower.series, '_count')}[{CHART_INTERVAL}])")
    return f"{every} - {_sum((), f'increase({_select_edge(slower)}[{CHART_INTERVAL}])')}"


def _select_edge(expression: ShareUpTo | CountAbove) -> str:
    """prometheus_client writes an edge of 2 seconds as le="2.0"."""
    edge = Match("le", (f"{expression.seconds}.0",))
    return _select(Series(expression.series.name, (*expression.series.where, edge)), "_bucket")


def has_window(promql: str) -> bool:
    """Whether the text measures over an interval, and not only the value now."""
    return RATE_INTERVAL in promql or CHART_INTERVAL in promql


def over_shown_period(promql: str) -> str:
    """The text with one value for the whole period that the board shows, in place of one for each interval."""
    return promql.replace(RATE_INTERVAL, SHOWN_PERIOD).replace(CHART_INTERVAL, SHOWN_PERIOD)


def _sum(by: tuple[str, ...], inner: str) -> str:
    return f"sum{_by(by)} ({inner})"


def _by(labels: tuple[str, ...]) -> str:
    return f" by ({', '.join(labels)})" if labels else ""


def _select(series: Series, suffix: str = "") -> str:
    matches = ", ".join(map(_match, series.where))
    return f"{series.name}{suffix}{{{matches}}}" if matches else f"{series.name}{suffix}"


def _match(match: Match) -> str:
    if match.variable:
        return f'{match.label}=~"${match.variable}"'
    operators = ("!=", "!~") if match.is_excluded else ("=", "=~")
    return f'{match.label}{operators[len(match.values) > 1]}"{"|".join(match.values)}"'
