"""Short forms of the conditions that monitors use most."""

from leadswitch.levels.dashboards.expressions import Expression, Gauge, Increase, Match, Series, Share
from leadswitch.levels.monitors.condition import Compare, Condition, Watch, WindowAggregation


def increase(name: str, *where: Match) -> Increase:
    return Increase(Series(name, where))


def share(part: Expression, whole: Expression, window: str, compare: Compare, limit: float) -> Condition:
    """Datadog divides the sums over the window."""
    return Condition(
        part="share",
        expression=Share(part, whole),
        aggregation=WindowAggregation.SUM,
        window=window,
        compare=compare,
        limit=limit,
    )


def at_least(expression: Expression, window: str, limit: int) -> Condition:
    """The number of events without which one failure at low traffic would alert."""
    return Condition(
        part="count",
        expression=expression,
        aggregation=WindowAggregation.SUM,
        window=window,
        compare=Compare.AT_LEAST,
        limit=limit,
    )


def more(expression: Expression, window: str, limit: int) -> Watch:
    return Watch(
        (
            Condition(
                expression=expression,
                aggregation=WindowAggregation.SUM,
                window=window,
                compare=Compare.ABOVE,
                limit=limit,
            ),
        )
    )


def above(name: str, limit: int, window: str, *by: str) -> Watch:
    return Watch((stays_above(Gauge(Series(name), by), limit, window),))


def stays_above(expression: Gauge, limit: int, window: str, *, part: str = "") -> Condition:
    """A gauge that is above the limit in the whole window."""
    return Condition(
        part=part,
        expression=expression,
        aggregation=WindowAggregation.MIN,
        window=window,
        compare=Compare.ABOVE,
        limit=limit,
    )


def is_zero(expression: Gauge, window: str) -> Watch:
    return Watch(
        (
            Condition(
                expression=expression,
                aggregation=WindowAggregation.MAX,
                window=window,
                compare=Compare.EQUAL,
                limit=0,
            ),
        )
    )
