"""Compares the measurements with the goals of the product. It does not round in the product's favor."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.bench.plan import BY_HAND, PLAIN_ORM, PRODUCT

OF_BY_HAND: Final = 0.5
OF_PLAIN_ORM: Final = 3.0
OF_BARE_VIEW: Final = 0.7
OF_PLAIN_HTTPX: Final = 0.8
MAX_ADDED_MS: Final = 5.0
MAX_AUCTION_MS: Final = 20.0
MAX_CLOSING_MS: Final = 100.0
MAX_PING_MS: Final = 50.0
MAX_STATEMENTS: Final = 14
MIN_RETRIES_PER_MINUTE: Final = 100
MAX_MICROSECONDS_PER_RULE: Final = 5.0
MAX_GAP_MS: Final = 50.0
MIN_BUSY_PERCENT: Final = 98.0
MAX_ADDED_CPU_PERCENT: Final = 0.5


@dataclass(frozen=True, slots=True)
class Aim:
    """`measured`: the figure behind `is_met`, as text."""

    name: str
    wanted: str
    measured: str
    is_met: bool

    def as_json(self) -> Mapping[str, Any]:
        return {
            "aim": self.name,
            "wanted": self.wanted,
            "measured": self.measured,
            "verdict": "met" if self.is_met else "missed",
        }


def judge(report: Mapping[str, Any]) -> list[Aim]:
    """Judge the parts that were measured."""
    aims: list[Aim] = []
    if "engine" in report:
        sizes = report["engine"]["sizes"]
        aims += [*_speed(sizes[0]), _statements(sizes), *_growth(sizes)]
    if "intake" in report:
        aims.append(_intake(report["intake"]))
    if "routing" in report:
        aims.append(_routing(report["routing"]["sizes"][-1]))
    if "outbound" in report:
        aims.append(_outbound(report["outbound"]))
    for name, judge_part in (("calls", _calls), ("deliveries", _deliveries), ("offers", _offers)):
        if name in report:
            aims += judge_part(report[name])
    if "pings" in report:
        aims += [_ping(size) for size in report["pings"]["sizes"]]
    if "retries" in report:
        aims += _retries(report["retries"])
    if "targets" in report:
        aims += [_target(stage) for stage in report["targets"]["stages"]]
    return aims


def _speed(size: Mapping[str, Any]) -> Iterator[Aim]:
    for other, least, title in (
        (BY_HAND, OF_BY_HAND, "the loop by hand"),
        (PLAIN_ORM, OF_PLAIN_ORM, "plain ORM"),
    ):
        for run in size["runs"]:
            ratio = run["product_against"][other]
            yield Aim(
                f"leads/s at {size['buyers']} buyers, {_workers(run)}",
                f"≥ {least:g} x {title}",
                f"{ratio['median']:.2f} x ({ratio['min']:.2f}-{ratio['max']:.2f})",
                ratio["median"] >= least,
            )


def _statements(sizes: list[Mapping[str, Any]]) -> Aim:
    counts = [len(size["statements"]) for size in sizes]
    text = ", ".join(f"{count} at {size['buyers']}" for count, size in zip(counts, sizes, strict=True))
    return Aim("statements a sold lead", f"≤ {MAX_STATEMENTS}", text, max(counts) <= MAX_STATEMENTS)


def _growth(sizes: list[Mapping[str, Any]]) -> Iterator[Aim]:
    """The time that one more enrolled buyer costs per lead. The hand-written loop only writes its row."""
    small, large = sizes[0], sizes[-1]
    events = large["written_a_lead"]["events"] - small["written_a_lead"]["events"]
    for place, run in enumerate(large["runs"]):
        grown = {
            name: _cost_ms(large, place, name) - _cost_ms(small, place, name) for name in (PRODUCT, BY_HAND)
        }
        yield Aim(
            f"growth from {small['buyers']} to {large['buyers']} buyers, {_workers(run)}",
            "≤ that of the rows written by hand",
            f"{grown[PRODUCT]:.1f} ms against {grown[BY_HAND]:.1f} ms a lead"
            f" ({1000 * grown[PRODUCT] / events:.1f} and {1000 * grown[BY_HAND] / events:.1f} µs a row)",
            grown[PRODUCT] <= grown[BY_HAND],
        )


def _cost_ms(size: Mapping[str, Any], place: int, loop: str) -> float:
    run = size["runs"][place]
    return float(1000 * run["workers"] / run["loops"][loop]["leads_per_second"]["median"])


def _intake(intake: Mapping[str, Any]) -> Aim:
    ratio = intake["product_against_bare"]
    return Aim(
        "intake requests/s",
        f"≥ {OF_BARE_VIEW:g} x a bare DRF view",
        f"{ratio['median']:.2f} x ({ratio['min']:.2f}-{ratio['max']:.2f})",
        ratio["median"] >= OF_BARE_VIEW,
    )


def _outbound(outbound: Mapping[str, Any]) -> Aim:
    ratio = outbound["product_against_httpx"]
    return Aim(
        "requests/s of the outbound client",
        f"≥ {OF_PLAIN_HTTPX:g} x a plain httpx loop",
        f"{ratio['median']:.2f} x ({ratio['min']:.2f}-{ratio['max']:.2f})",
        ratio["median"] >= OF_PLAIN_HTTPX,
    )


def _deliveries(deliveries: Mapping[str, Any]) -> Iterator[Aim]:
    ratio = deliveries["speed"]["product_against_httpx"]
    yield Aim(
        "deliveries/s of one deliverer",
        f"≥ {OF_PLAIN_HTTPX:g} x a plain httpx loop",
        f"{ratio['median']:.2f} x ({ratio['min']:.2f}-{ratio['max']:.2f})",
        ratio["median"] >= OF_PLAIN_HTTPX,
    )
    for name, added_ms in deliveries["direct_post"]["added"].items():
        yield Aim(
            f"a direct post, {name.removesuffix('_ms')}",
            f"≤ {MAX_ADDED_MS:g} ms beyond the buyer's own time",
            f"{added_ms:.2f} ms",
            added_ms <= MAX_ADDED_MS,
        )
    alone, beside = (each["p99_ms"] for each in deliveries["hanging"]["medians"].values())
    yield Aim(
        "p99 of other endpoints beside one that hangs",
        "within the turns without it",
        f"{beside['median']:.1f} ms against {alone['median']:.1f} ms ({alone['min']:.1f}-{alone['max']:.1f})",
        beside["median"] <= alone["max"],
    )


def _calls(calls: Mapping[str, Any]) -> Iterator[Aim]:
    busy, idle = calls["busy"], calls["idle"]
    p95_ms = busy["gaps"]["p95_ms"]
    yield Aim(
        "from a free line to the next dial, p95",
        f"< {MAX_GAP_MS:g} ms",
        f"{p95_ms:.1f} ms",
        p95_ms < MAX_GAP_MS,
    )
    yield Aim(
        f"{busy['lines']} lines kept busy",
        f"≥ {MIN_BUSY_PERCENT:g} %",
        f"{busy['busy_percent']:.2f} %",
        busy["busy_percent"] >= MIN_BUSY_PERCENT,
    )
    added = idle["with_queue_percent"] - idle["without_percent"]
    yield Aim(
        f"CPU of the dialer, {idle['waiting']:,} waiting and no free line",
        f"≤ {MAX_ADDED_CPU_PERCENT:g} % of a core more than with nobody",
        f"{idle['with_queue_percent']:.2f} % against {idle['without_percent']:.2f} %",
        added <= MAX_ADDED_CPU_PERCENT,
    )


def _auction(auction: Mapping[str, Any]) -> Aim:
    over_ms = auction["over_own"]["p95_ms"]
    return Aim(
        f"an auction of {auction['bidders']} buyers, p95",
        f"< {MAX_AUCTION_MS:g} ms beyond the slowest bid",
        f"{over_ms:.1f} ms",
        over_ms < MAX_AUCTION_MS,
    )


def _offers(offers: Mapping[str, Any]) -> Iterator[Aim]:
    yield _auction(offers["auction"])
    ratio = offers["claim_loops"]["product_against_by_hand"]
    yield Aim(
        "claims/s, one process",
        f"≥ {OF_BY_HAND:g} x the loop by hand",
        f"{ratio['median']:.2f} x ({ratio['min']:.2f}-{ratio['max']:.2f})",
        ratio["median"] >= OF_BY_HAND,
    )
    closing = offers["closing"]
    yield Aim(
        "an offer that closes, p99",
        f"< {MAX_CLOSING_MS:g} ms after its end, never before it",
        f"{closing['p99_ms']:.1f} ms, {closing['early']} early",
        closing["p99_ms"] < MAX_CLOSING_MS and not closing["early"],
    )


def _ping(size: Mapping[str, Any]) -> Aim:
    return Aim(
        f"a ping, p95 at {size['buyers']:,} buyers",
        f"< {MAX_PING_MS:g} ms",
        f"{size['p95_ms']:.2f} ms",
        size["p95_ms"] < MAX_PING_MS,
    )


def _routing(size: Mapping[str, Any]) -> Aim:
    cost = size["microseconds_a_rule"]
    return Aim(
        f"a rule asked, of {size['rules']:,}",
        f"≤ {MAX_MICROSECONDS_PER_RULE:g} µs",
        f"{cost:.2f} µs, {size['microseconds_a_decision']:.0f} µs a decision",
        cost <= MAX_MICROSECONDS_PER_RULE,
    )


def _retries(retries: Mapping[str, Any]) -> Iterator[Aim]:
    for run in retries["runs"]:
        rate = run["retries_a_minute"]
        yield Aim(
            f"retries a minute, {_workers(run)}",
            f"≥ {MIN_RETRIES_PER_MINUTE}",
            f"{rate['median']:,.0f} ({rate['min']:,.0f}-{rate['max']:,.0f}),"
            f" {rate['median'] / MIN_RETRIES_PER_MINUTE:.0f} x as many",
            rate["median"] >= MIN_RETRIES_PER_MINUTE,
        )


def _target(stage: Mapping[str, Any]) -> Aim:
    return Aim(
        f"{stage['stage']}, p95",
        f"< {stage['target_ms']:,} ms",
        f"{stage['p95_ms']:.2f} ms, {stage['times_below']:.0f} x below",
        stage["p95_ms"] < stage["target_ms"],
    )


def _workers(run: Mapping[str, Any]) -> str:
    return "1 worker" if run["workers"] == 1 else f"{run['workers']} workers"
