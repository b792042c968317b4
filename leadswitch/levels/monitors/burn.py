"""Burn rates in Datadog: both windows and the least numbers of bad leads, which a composite monitor joins.

Only decided leads are counted, because a gauge cannot be summed over a window. LeadSwitchDispatchHalted reports leads
that no worker decides.
"""

from dataclasses import dataclass
from typing import Final

from leadswitch.levels.alerts.alert import Alert
from leadswitch.levels.alerts.burn import BURNS, Burn
from leadswitch.levels.dashboards.boards.queries import is_one_of
from leadswitch.levels.dashboards.expressions import CountAbove, Increase, Series, Share
from leadswitch.levels.monitors.condition import Compare, Condition, Watch, WindowAggregation
from leadswitch.levels.objectives import AVAILABILITY, LATENCY, LATENCY_LIMIT_SECONDS, OBJECTIVES

DECIDED: Final = "leadswitch_leads_decided_total"
DUE_TO_DECISION: Final = "leadswitch_due_to_decision_seconds"


@dataclass(frozen=True, slots=True)
class Leads:
    """Leads decided within a window: the bad ones, and all. `is_bad` says what the bad ones have in common."""

    bad: Increase | CountAbove
    every: Increase
    is_bad: str


LEADS: Final = {
    AVAILABILITY.name: Leads(
        bad=Increase(Series(DECIDED, (is_one_of("outcome", "late", "system_failed"),))),
        every=Increase(Series(DECIDED)),
        is_bad="were decided late or failed",
    ),
    LATENCY.name: Leads(
        bad=CountAbove(Series(DUE_TO_DECISION), LATENCY_LIMIT_SECONDS),
        every=Increase(Series(f"{DUE_TO_DECISION}_count")),
        is_bad=f"took longer than {LATENCY_LIMIT_SECONDS} s to decide",
    ),
}


def watch_burn(alert: Alert) -> Watch:
    """Of an alert with the labels slo, long and short."""
    (objective,) = (each for each in OBJECTIVES if each.name == alert.labels["slo"])
    (burn,) = (
        each for each in BURNS if (each.long, each.short) == (alert.labels["long"], alert.labels["short"])
    )
    leads, limit = LEADS[objective.name], round(burn.factor * objective.budget, 6)
    return Watch(
        _make_conditions(leads, burn, limit),
        summary=f"{{{{a.value}}}} of the leads decided in the last {burn.long} {leads.is_bad} (1 is all).",
    )


def _make_conditions(leads: Leads, burn: Burn, limit: float) -> tuple[Condition, ...]:
    windows = ((burn.long, burn.least_bad_long), (burn.short, burn.least_bad_short))
    return (
        *(_make_share(leads, window, limit) for window, _ in windows),
        *(_make_count(leads, window, least) for window, least in windows),
    )


def _make_share(leads: Leads, window: str, limit: float) -> Condition:
    return Condition(
        part=f"share {window}",
        expression=Share(leads.bad, leads.every),
        aggregation=WindowAggregation.SUM,
        window=window,
        compare=Compare.ABOVE,
        limit=limit,
    )


def _make_count(leads: Leads, window: str, least: int) -> Condition:
    return Condition(
        part=f"count {window}",
        expression=leads.bad,
        aggregation=WindowAggregation.SUM,
        window=window,
        compare=Compare.AT_LEAST,
        limit=least,
    )
