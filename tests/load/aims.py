"""Compares a run with its aims. It does not round in the product's favor. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any, Final

from tests.bench.aims import Aim

MAX_LAG_MS: Final = 50.0
MIN_SUCCESS_PERCENT: Final = 99.9
MIN_OF_PLANNED: Final = 0.99
MAX_RETRIES_DUE: Final = 100
MAX_CONNECTIONS_PERCENT: Final = 80.0
MAX_RECOVERY_SECONDS: Final = 30.0
# A phase of this length shows whether waits and memory grow.
LONG_SECONDS: Final = 600.0
MOST_P95_GROWTH: Final = 1.5
MAX_MEMORY_GROWTH: Final = 1.1


def is_void(report: Mapping[str, Any]) -> bool:
    """The generator itself was late: what it measured is not the product."""
    return bool(report["generator"]["worst_lag_ms"] > MAX_LAG_MS)


def judge(report: Mapping[str, Any]) -> list[Aim]:
    aims = [aim for phase in report["phases"] for aim in _judge_phase(phase)]
    aims += [_nothing_lost(report), _verify(report), _retries(report), _connections(report)]
    if report["recovery_seconds"] is not None:
        measured = report["recovery_seconds"]
        aims.append(
            Aim(
                "recovery after the spike",
                f"≤ {MAX_RECOVERY_SECONDS:g} s",
                f"{measured:.1f} s",
                measured <= MAX_RECOVERY_SECONDS,
            )
        )
    if report["flatness"] is not None:
        aims += _flat(report["flatness"])
    return aims


def _judge_phase(phase: Mapping[str, Any]) -> Iterator[Aim]:
    if (aim := phase["p95_aim_ms"]) is None:
        return
    name, p95 = phase["phase"], phase["decision_ms"]["p95"]
    yield Aim(f"{name}: p95 from receipt to decision", f"< {aim:g} ms", f"{p95:.1f} ms", p95 < aim)
    share = phase["achieved_rate"] / phase["planned_rate"]
    yield Aim(
        f"{name}: planned rate achieved",
        f"≥ {MIN_OF_PLANNED:.0%}",
        f"{share:.1%}",
        share >= MIN_OF_PLANNED,
    )
    success = phase["success_percent"]
    yield Aim(
        f"{name}: success", f"≥ {MIN_SUCCESS_PERCENT}%", f"{success:.2f}%", success >= MIN_SUCCESS_PERCENT
    )


def _nothing_lost(report: Mapping[str, Any]) -> Aim:
    accepted, stored, decided = (
        sum(phase[name] for phase in report["phases"]) for name in ("accepted", "stored", "decided")
    )
    lost = report["accepted_not_stored"]
    text = f"{accepted:,} accepted, {stored:,} stored, {decided:,} decided, {lost:,} lost"
    return Aim(
        "nothing lost", "accepted = stored = decided", text, lost == 0 and accepted == stored == decided
    )


def _verify(report: Mapping[str, Any]) -> Aim:
    return Aim("manage.py verify", "all invariants hold", report["verify"]["text"], report["verify"]["holds"])


def _retries(report: Mapping[str, Any]) -> Aim:
    due = report["retries_due_at_end"]
    return Aim("due retries at the end", f"< {MAX_RETRIES_DUE}", f"{due:,}", due < MAX_RETRIES_DUE)


def _connections(report: Mapping[str, Any]) -> Aim:
    peak, limit = report["connections"]["peak"], report["connections"]["limit"]
    share = 100 * peak / limit
    return Aim(
        "peak connections",
        f"≤ {MAX_CONNECTIONS_PERCENT:g}% of {limit}",
        f"{peak} ({share:.0f}%)",
        share <= MAX_CONNECTIONS_PERCENT,
    )


def measure_flatness(p95_ms: Sequence[float], memory: Mapping[str, Sequence[float]]) -> dict[str, Any] | None:
    """Compare the last third of a long phase with its middle third, by medians: the first third warms up.

    `p95_ms`: by minute. `memory`: the samples of each kind of process. None if there are fewer than three minutes.
    """
    if len(p95_ms) < 3:
        return None
    return {
        "p95_growth": _growth(p95_ms),
        "memory_growth": {kind: _growth(values) for kind, values in memory.items() if len(values) >= 3},
    }


def _growth(values: Sequence[float]) -> float:
    third = len(values) // 3
    middle, last = values[third : 2 * third], values[-third:]
    return median(last) / median(middle)


def _flat(flatness: Mapping[str, Any]) -> Iterator[Aim]:
    growth = flatness["p95_growth"]
    yield Aim(
        "flat p95, last third of the longest phase against the middle",
        f"≤ {MOST_P95_GROWTH:g} x",
        f"{growth:.2f} x",
        growth <= MOST_P95_GROWTH,
    )
    for kind, growth in sorted(flatness["memory_growth"].items()):
        yield Aim(
            f"flat memory of {kind}",
            f"≤ {MAX_MEMORY_GROWTH:g} x",
            f"{growth:.2f} x",
            growth <= MAX_MEMORY_GROWTH,
        )
