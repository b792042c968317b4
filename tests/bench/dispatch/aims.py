"""Compares the measurements with the goals of the dispatch."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.bench.aims import Aim
from tests.bench.dispatch.plan import DELAYED, EVENT, IMMEDIATE

MOST_P99_MS: Final = {IMMEDIATE: 50.0, DELAYED: 150.0}
MIN_MOVED_PER_SECOND: Final = 20_000
MIN_PUTS_PER_SECOND: Final = 10_000
# Flat: more growth of a median than this is not noise. The growth of a p99 is reported, not judged.
MAX_GROWTH_MS: Final = 5.0


def judge(report: Mapping[str, Any]) -> list[Aim]:
    return [*_lags(report), *_throughput(report), _flatness(report)]


def _lags(report: Mapping[str, Any]) -> Iterator[Aim]:
    for run in report["lags"]["runs"]:
        if run["contender"] != EVENT:
            continue
        for kind, most in MOST_P99_MS.items():
            lag = run[kind]["p99_ms"]
            yield Aim(
                f"lag at {run['rate']} leads/s, {kind}, p99", f"< {most:g} ms", f"{lag:.1f} ms", lag < most
            )


def _throughput(report: Mapping[str, Any]) -> Iterator[Aim]:
    moved = report["moves"]["dispatcher"]["moved_a_second"]
    put = report["schedule"]["puts_a_second"]
    yield Aim(
        f"moved by one dispatcher, {report['schedule']['leads']:,} scheduled",
        f"≥ {MIN_MOVED_PER_SECOND:,}/s",
        f"{moved:,.0f}/s",
        moved >= MIN_MOVED_PER_SECOND,
    )
    yield Aim(
        "put, one client, 500 leads a call",
        f"≥ {MIN_PUTS_PER_SECOND:,}/s",
        f"{put:,.0f}/s",
        put >= MIN_PUTS_PER_SECOND,
    )


def _flatness(report: Mapping[str, Any]) -> Aim:
    small, large = report["flat"]
    growth = {kind: large[kind]["p50_ms"] - small[kind]["p50_ms"] for kind in (IMMEDIATE, DELAYED)}
    return Aim(
        f"lag, {small['backlog']:,} to {large['backlog']:,} scheduled",
        f"p50 grows by < {MAX_GROWTH_MS:g} ms",
        ", ".join(f"{kind} {ms:+.1f} ms" for kind, ms in growth.items()),
        max(growth.values()) < MAX_GROWTH_MS,
    )
