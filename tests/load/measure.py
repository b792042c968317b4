"""Joins what the generator sent with what the product stored, phase by phase and minute by minute. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.bench.numbers import percentile
from tests.load.outcome import FAILED, SUCCESS, Decided
from tests.load.plan import Arrival, Phase, phase_spans

MISSED_MS: Final = 50.0
CREATED: Final = 201
PERCENTS: Final = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Sent:
    """One request. `lag_ms`: from its planned time until the generator woke up for it; `wait_ms`: until a connection
    was free for it; `latency_ms`: until its answer. Status 0: no answer."""

    arrival: Arrival
    lag_ms: float
    wait_ms: float
    latency_ms: float
    status: int


def read_sent(result: Mapping[str, Any], arrivals: Sequence[Arrival]) -> list[Sent]:
    by_number = {arrival.number: arrival for arrival in arrivals}
    columns = (result["numbers"], result["lags_ms"], result["waits_ms"], result["latencies_ms"])
    return [
        Sent(by_number[number], lag, wait, latency, status)
        for number, lag, wait, latency, status in zip(*columns, result["statuses"], strict=True)
    ]


def measure_phases(
    phases: Sequence[Phase], sent: Sequence[Sent], leads: Sequence[Decided]
) -> list[dict[str, Any]]:
    stored = {lead.number: lead for lead in leads}
    return [
        _measure_phase(
            phase,
            [each for each in sent if each.arrival.phase == place],
            stored,
            begin=phase_spans(phases)[place][0],
        )
        for place, phase in enumerate(phases)
    ]


def _measure_phase(
    phase: Phase, sent: Sequence[Sent], stored: Mapping[int, Decided], *, begin: float
) -> dict[str, Any]:
    accepted = [each for each in sent if each.status == CREATED]
    leads = [stored[each.arrival.number] for each in sent if each.arrival.number in stored]
    results = Counter(lead.result for lead in leads if lead.result)
    decided = sum(results.values())
    waits = [lead.wait_ms for lead in leads if lead.wait_ms is not None]
    starts = [each.arrival.planned + each.wait_ms / 1000 - begin for each in sent]
    return {
        "phase": phase.name,
        "planned_rate": phase.rate,
        "achieved_rate": len(sent) / max([phase.seconds, *starts]),
        "sent": len(sent),
        "accepted": len(accepted),
        "stored": len(leads),
        "decided": decided,
        "sold_percent": _percent(results[SUCCESS], decided),
        "duplicate_percent": _percent(results["duplicate"], decided),
        # Of all that was sent. A refused request and an undecided lead are failures too.
        "success_percent": _percent(decided - results[FAILED], len(sent)),
        "missed_starts": sum(each.wait_ms > MISSED_MS for each in sent),
        "decision_ms": _percentiles(waits),
        "intake_ms": _percentiles([each.latency_ms for each in sent]),
        "p95_aim_ms": phase.p95_aim_ms,
    }


def measure_generator(result: Mapping[str, Any], sent: Sequence[Sent]) -> dict[str, Any]:
    lags = [each.lag_ms for each in sent]
    return {
        "worst_lag_ms": max(lags),
        "p99_lag_ms": percentile(lags, 99),
        "missed_starts": sum(each.wait_ms > MISSED_MS for each in sent),
        "cpu_percent": result["cpu_percent"],
        "first_refusals": result["first_refusals"],
    }


def measure_windows(leads: Sequence[Decided], *, started_at: float, seconds: float) -> list[dict[str, float]]:
    """Return the leads and the 95th percentile of their waits, for each such window in which leads arrived."""
    waits: dict[int, list[float]] = {}
    for lead in leads:
        if lead.wait_ms is not None:
            waits.setdefault(int((lead.received_at - started_at) // seconds), []).append(lead.wait_ms)
    return [
        {"begin": place * seconds, "leads": len(each), "p95_ms": percentile(each, 95)}
        for place, each in sorted(waits.items())
    ]


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    return {f"p{percent}": percentile(values, percent) if values else 0.0 for percent in PERCENTS}
