"""What a monitor of Datadog compares, in place of an alert's PromQL."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from leadswitch.levels.alerts.alert import Job
from leadswitch.levels.dashboards.expressions import Expression

# Of 1 or fewer, half is no number of leaders or balances.
SMALLEST_WITH_WARNING: Final = 2


class WindowAggregation(StrEnum):
    """How the samples of a window become one value. MIN is above a limit if every sample is."""

    SUM = "sum"
    MIN = "min"
    MAX = "max"
    PERCENTILE = "percentile"


class Compare(StrEnum):
    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="
    EQUAL = "=="


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Holds if the value of `expression` over `window` compares with `limit`. `window` is written as in Prometheus: 5m.

    `part` names the condition in an alert that has several. `is_zero_without_data`: no samples mean 0. `compared_with`:
    the change since that long ago, in percent, is compared in place of the value. `tells_no_data`: a composite that
    misses this value sends "no data", in place of keeping its last state.
    """

    expression: Expression
    aggregation: WindowAggregation
    window: str
    compare: Compare
    limit: float
    part: str = ""
    is_zero_without_data: bool = False
    compared_with: str = ""
    tells_no_data: bool = False

    @property
    def warning(self) -> float | None:
        """Half of a limit that must not be exceeded. None if no value is between the healthy one and the limit."""
        if self.compare is Compare.ABOVE and self.limit >= SMALLEST_WITH_WARNING:
            return self.limit / 2
        return None


@dataclass(frozen=True, slots=True)
class JobDown:
    """Holds if the Agent can read no container of a job at several checks in a row, or sends nothing about it."""

    job: Job


@dataclass(frozen=True, slots=True)
class Watch:
    """Alerts if every condition holds. `summary`: in place of the alert's, if Datadog measures another value."""

    conditions: tuple[Condition, ...]
    summary: str = ""
