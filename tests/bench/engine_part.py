"""Parts 1 to 3: the product, the loop by hand and the plain ORM sell leads in turns, round by round."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.bench.children import Child
from tests.bench.numbers import Spread, percentile, ratios
from tests.bench.plan import BY_HAND, LOOPS, PLAIN_ORM, PRODUCT, Plan

Progress = Callable[[str], None]


@dataclass(slots=True)
class Series:
    """One loop at one pool size with `workers` workers: leads per second of each round, and all latencies."""

    rates: list[float] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)
    lead_count: int = 0
    sold_count: int = 0
    rows: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> Mapping[str, Any]:
        return {
            "leads_per_second": Spread.of(self.rates).as_json(),
            "rounds": self.rates,
            "p50_ms": percentile(self.latencies_ms, 50),
            "p95_ms": percentile(self.latencies_ms, 95),
            "leads": self.lead_count,
            "sold": self.sold_count,
            "events_a_lead": self.rows["events"] / self.lead_count,
        }


class WrongRows(Exception):
    """A loop did not write the expected rows, so its time means nothing."""


def count_steps(plan: Plan) -> int:
    """How often `measure_engine` reports progress."""
    return len(plan.sizes) * (2 + len(plan.worker_counts) * plan.rounds * len(LOOPS))


def measure_engine(plan: Plan, children: Sequence[Child], *, progress: Progress) -> Mapping[str, Any]:
    """Measure every size. All loops of a size are measured side by side before the next size."""
    sizes = [_measure_size(plan, children, size=size, progress=progress) for size in plan.sizes]
    return {"sizes": sizes}


def build_pool(children: Sequence[Child], *, size: int) -> Sequence[Mapping[str, Any]]:
    """Let one worker build a campaign with `size` buyers that all use. Returns a lead's rows, by worker."""
    pool = children[0].ask("build", size=size)
    return [child.ask("join", size=size, pool=pool) for child in children]


def _measure_size(
    plan: Plan, children: Sequence[Child], *, size: int, progress: Progress
) -> Mapping[str, Any]:
    progress(f"{size} buyers: building the campaign")
    joined = build_pool(children, size=size)
    for name in LOOPS:
        for child in children:
            _sell([child], name=name, size=size, count=plan.warm_up, adder=children[0])
    children[0].ask("analyze")
    runs = []
    for workers in plan.worker_counts:
        series = _measure_rounds(plan, children[:workers], size=size, progress=progress)
        runs.append({"workers": workers, **_compare(series)})
    progress(f"{size} buyers: counting statements")
    return {
        "buyers": size,
        "written_a_lead": joined[0],
        "statements": children[0].ask("list_statements", size=size)["statements"],
        **children[0].ask("time_decide", size=size),
        "runs": runs,
    }


def _measure_rounds(
    plan: Plan, children: Sequence[Child], *, size: int, progress: Progress
) -> Mapping[str, Series]:
    series = {name: Series() for name in LOOPS}
    for number, name in _turns(plan.rounds):
        progress(f"{size} buyers, {len(children)} worker(s), round {number + 1}: {name}")
        answers, ids = _sell(children, name=name, size=size, count=plan.leads[size], adder=children[0])
        _add(series[name], answers, rows=children[0].ask("count_rows", ids=ids), count=len(ids))
    _check_rows(series)
    return series


def _turns(rounds: int) -> Iterator[tuple[int, str]]:
    """Yield round and loop. Each round begins with a different loop, so that no loop is always first."""
    for number in range(rounds):
        shift = number % len(LOOPS)
        for name in (*LOOPS[shift:], *LOOPS[:shift]):
            yield number, name


def _sell(
    children: Sequence[Child], *, name: str, size: int, count: int, adder: Child
) -> tuple[Sequence[Mapping[str, Any]], Sequence[int]]:
    """Let these workers sell `count` new leads between them, all at the same time."""
    ids = adder.ask("add_leads", size=size, count=count)["ids"]
    for number, child in enumerate(children):
        child.send("sell", size=size, loop=name, ids=ids[number :: len(children)])
    return [child.receive() for child in children], ids


def _add(
    series: Series, answers: Sequence[Mapping[str, Any]], *, rows: Mapping[str, int], count: int
) -> None:
    seconds = max(answer["ended"] for answer in answers) - min(answer["started"] for answer in answers)
    series.rates.append(count / seconds)
    series.lead_count += count
    for answer in answers:
        series.latencies_ms += answer["latencies_ms"]
        series.sold_count += answer["sold"]
    for table, rows_there in rows.items():
        series.rows[table] = series.rows.get(table, 0) + rows_there


def _check_rows(series: Mapping[str, Series]) -> None:
    """Baselines must have written exactly the expected rows. The product may leave leads for a retry."""
    for name, each in series.items():
        if each.rows["distributed"] != each.sold_count or each.rows["assignments"] != each.sold_count:
            message = f"{name}: {each.sold_count} leads sold, but the tables contain {each.rows}"
            raise WrongRows(message)
        if name != PRODUCT and each.sold_count != each.lead_count:
            message = f"{name} sold {each.sold_count} of {each.lead_count} leads"
            raise WrongRows(message)


def _compare(series: Mapping[str, Series]) -> Mapping[str, Any]:
    against = {other: ratios(series[PRODUCT].rates, series[other].rates) for other in (BY_HAND, PLAIN_ORM)}
    return {
        "loops": {name: each.as_json() for name, each in series.items()},
        "product_against": {
            other: {**Spread.of(values).as_json(), "rounds": values} for other, values in against.items()
        },
    }
