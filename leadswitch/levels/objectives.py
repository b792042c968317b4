"""The objectives as data. Alerts, dashboards and the health page read them from here. Imports no Django.

Objectives count leads, not requests: a lead that no worker has decided when its deadline passes is bad already, so
dead workers show as bad leads and not as silence.
"""

from dataclasses import dataclass
from typing import Final

PERIOD_DAYS: Final = 30
AVAILABILITY_DEADLINE_SECONDS: Final = 60
LATENCY_LIMIT_SECONDS: Final = 2
DUE_RETRIES_LIMIT: Final = 100


@dataclass(frozen=True, slots=True)
class Objective:
    """A promised share of good leads. The PromQL texts take `window`, such as 5m.

    `bad_decided` and `decided` count leads decided within the window; `undecided` counts those that are past the limit
    now. Each lead is in one of them: it leaves `undecided` when it is decided.
    """

    name: str
    title: str
    good: str
    target: float
    bad_decided: str
    decided: str
    undecided: str

    @property
    def budget(self) -> float:
        """The share of leads that may be bad."""
        return round(1 - self.target, 6)


@dataclass(frozen=True, slots=True)
class GaugeObjective:
    """A value that must stay below a limit."""

    name: str
    title: str
    series: str
    limit: int


@dataclass(frozen=True, slots=True)
class QuantileObjective:
    """A share of what a histogram counts must take less than a limit, which is an edge of its buckets."""

    name: str
    title: str
    histogram: str
    quantile: float
    limit_seconds: float


AVAILABILITY: Final = Objective(
    name="availability",
    title="Availability",
    good=f"Decided within {AVAILABILITY_DEADLINE_SECONDS} s of being due. Duplicates and unsold leads are good.",
    target=0.999,
    bad_decided='increase(leadswitch_leads_decided_total{{outcome=~"late|system_failed"}}[{window}])',
    decided="increase(leadswitch_leads_decided_total[{window}])",
    undecided='leadswitch_undecided_leads{limit="availability"}',
)
LATENCY: Final = Objective(
    name="latency",
    title="Latency",
    good=f"Decided within {LATENCY_LIMIT_SECONDS} s of being due.",
    target=0.95,
    bad_decided=(
        "increase(leadswitch_due_to_decision_seconds_count[{window}]) - ignoring(le)"
        f' increase(leadswitch_due_to_decision_seconds_bucket{{{{le="{LATENCY_LIMIT_SECONDS}.0"}}}}[{{window}}])'
    ),
    decided="increase(leadswitch_due_to_decision_seconds_count[{window}])",
    undecided='leadswitch_undecided_leads{limit="latency"}',
)
DUE_RETRIES: Final = GaugeObjective(
    name="due_retries",
    title="Due retries",
    series="max(leadswitch_retries_due)",
    limit=DUE_RETRIES_LIMIT,
)
CLOSING: Final = QuantileObjective(
    name="closing",
    title="Closing of offers",
    histogram="leadswitch_offer_closing_lag_seconds",
    quantile=0.99,
    limit_seconds=0.1,
)
OBJECTIVES: Final = (AVAILABILITY, LATENCY)
