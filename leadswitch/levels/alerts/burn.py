"""Burn rates: how fast an objective uses up its error budget. Names of the recorded series are those of sloth.

A ratio is bad leads over all leads, from sums: an average of ratios would weigh an hour of low traffic like one of high
traffic. Without leads there is no ratio.
"""

from dataclasses import dataclass
from typing import Final

from leadswitch.levels.alerts.alert import Alert, Dashboard, Severity
from leadswitch.levels.objectives import AVAILABILITY, LATENCY, LATENCY_LIMIT_SECONDS, PERIOD_DAYS, Objective

SHORT_WINDOWS: Final = ("5m", "30m", "1h", "2h", "6h")
# Evaluated less often: they read days of samples.
LONG_WINDOWS: Final = ("1d", "3d", f"{PERIOD_DAYS}d")
LONG_WINDOWS_INTERVAL: Final = "2m"


@dataclass(frozen=True, slots=True)
class Burn:
    """Fires when both windows burn faster than `factor`. The short one ends the alert soon after the cause.

    At low traffic a single bad lead is a high ratio, so the windows must also hold a number of bad leads.
    """

    severity: Severity
    long: str
    short: str
    factor: float
    least_bad_long: int
    least_bad_short: int


BURNS: Final = (
    Burn(Severity.PAGE, long="1h", short="5m", factor=14.4, least_bad_long=10, least_bad_short=2),
    Burn(Severity.PAGE, long="6h", short="30m", factor=6, least_bad_long=10, least_bad_short=2),
    Burn(Severity.WARNING, long="3d", short="6h", factor=1, least_bad_long=5, least_bad_short=1),
)
SUFFIXES: Final = {Severity.PAGE: "Page", Severity.WARNING: "Ticket"}
DASHBOARDS: Final = {AVAILABILITY.name: Dashboard.ROUTING, LATENCY.name: Dashboard.PERFORMANCE}
MISSED: Final = {
    AVAILABILITY.name: "were decided late, failed or are still undecided",
    LATENCY.name: f"took longer than {LATENCY_LIMIT_SECONDS} s to decide or are still undecided",
}


def make_burn_alerts(objective: Objective) -> list[Alert]:
    return [_make_burn_alert(objective, burn) for burn in BURNS]


def _make_burn_alert(objective: Objective, burn: Burn) -> Alert:
    return Alert(
        name=f"LeadSwitch{objective.title}{SUFFIXES[burn.severity]}",
        severity=burn.severity,
        kind=objective.name,
        expression=_burn_expression(objective, burn),
        keep_firing_for="5m",
        labels={"slo": objective.name, "long": burn.long, "short": burn.short},
        summary=f"{{{{ $value | humanizePercentage }}}} of leads in the last {burn.long} {MISSED[objective.name]}.",
        normal=f"under {100 * objective.budget:g}%",
        dashboard=DASHBOARDS[objective.name],
    )


def _burn_expression(objective: Objective, burn: Burn) -> str:
    slo = f'{{slo="{objective.name}"}}'
    limit = f"{burn.factor:g} * {objective.budget:g}"
    return "\nand ".join(
        (
            f"slo:sli_error:ratio_rate{burn.long}{slo} > {limit}",
            f"slo:sli_error:ratio_rate{burn.short}{slo} > {limit}",
            f"slo:bad_leads:increase{burn.long}{slo} >= {burn.least_bad_long}",
            f"slo:bad_leads:increase{burn.short}{slo} >= {burn.least_bad_short}",
        )
    )


def make_recordings(objective: Objective, windows: tuple[str, ...]) -> list[dict[str, object]]:
    """The rules that count leads and compute the ratio, for each window."""
    return [rule for window in windows for rule in _record_window(objective, window)]


def _record_window(objective: Objective, window: str) -> list[dict[str, object]]:
    undecided = f"(max({objective.undecided}) or vector(0))"
    bad = f"(sum({objective.bad_decided.format(window=window)}) or vector(0))"
    every = f"(sum({objective.decided.format(window=window)}) or vector(0))"
    slo = f'{{slo="{objective.name}"}}'
    ratio = f"slo:bad_leads:increase{window}{slo}\n/ (slo:leads:increase{window}{slo} > 0)"
    return [
        _record(f"slo:bad_leads:increase{window}", f"{bad}\n+ {undecided}", objective),
        _record(f"slo:leads:increase{window}", f"{every}\n+ {undecided}", objective),
        _record(f"slo:sli_error:ratio_rate{window}", ratio, objective),
    ]


def make_meta_recordings(objective: Objective) -> list[dict[str, object]]:
    """Target, budget, burn rate now and budget left. The budget left is negative once it is used up."""
    slo = f'{{slo="{objective.name}"}}'
    budget = f"on(slo) slo:error_budget:ratio{slo}"
    period = f"{PERIOD_DAYS}d"
    return [
        _record("slo:objective:ratio", f"vector({objective.target:g})", objective),
        _record("slo:error_budget:ratio", f"vector({objective.budget:g})", objective),
        _record("slo:time_period:days", f"vector({PERIOD_DAYS})", objective),
        _record("slo:current_burn_rate:ratio", f"slo:sli_error:ratio_rate5m{slo}\n/ {budget}", objective),
        _record(
            "slo:period_burn_rate:ratio", f"slo:sli_error:ratio_rate{period}{slo}\n/ {budget}", objective
        ),
        _record("slo:period_error_budget_remaining:ratio", f"1 - slo:period_burn_rate:ratio{slo}", objective),
    ]


def _record(name: str, expression: str, objective: Objective) -> dict[str, object]:
    return {"record": name, "expr": expression, "labels": {"slo": objective.name}}
