"""The expressions of charts. Each format translates them to the language of its monitoring system."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Match:
    """A condition on a label: one of these values, or none of them. `variable`: as chosen in the board."""

    label: str
    values: tuple[str, ...] = ()
    is_excluded: bool = False
    variable: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """A metric by its name in Prometheus. A histogram is named without _bucket, _sum and _count."""

    name: str
    where: tuple[Match, ...] = ()


class ProcessAggregation(StrEnum):
    """How samples of several processes become one. MAX for what every process reports of the whole product."""

    MAX = "max"
    MIN = "min"
    SUM = "sum"


@dataclass(frozen=True, slots=True)
class Rate:
    """Increase of a counter per second."""

    series: Series
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Increase:
    """Increase of a counter in each interval of the chart."""

    series: Series
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gauge:
    series: Series
    by: tuple[str, ...] = ()
    aggregation: ProcessAggregation = ProcessAggregation.MAX


@dataclass(frozen=True, slots=True)
class Quantile:
    """A percentile of a histogram, such as 0.95."""

    series: Series
    quantile: float
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observed:
    """Observations of a histogram per second."""

    series: Series
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShareUpTo:
    """The share of observations up to `seconds`, which must be an edge of the histogram."""

    series: Series
    seconds: int


@dataclass(frozen=True, slots=True)
class CountAbove:
    """Observations above `seconds` in each interval, which must be an edge of the histogram."""

    series: Series
    seconds: int


@dataclass(frozen=True, slots=True)
class Share:
    """One expression divided by another. If the divisor is 0, there is no value."""

    part: "Expression"
    whole: "Expression"


@dataclass(frozen=True, slots=True)
class Scaled:
    """A value in another unit: dollars from cents with a factor of 0.01."""

    of: "Expression"
    factor: float


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest values now, for a list."""

    of: "Rate | Increase | Gauge"
    count: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """A series that Prometheus records from the rules of an objective. Datadog does not have it."""

    name: str
    slo: str


Expression = (
    Rate
    | Increase
    | Gauge
    | Quantile
    | Observed
    | ShareUpTo
    | CountAbove
    | Share
    | Scaled
    | Largest
    | Recorded
)
