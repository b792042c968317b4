"""The closing tables and the JSON file. Every figure was measured in the run."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from tests.chaos.bounds import longest_way_back
from tests.chaos.faults import FAULTS
from tests.chaos.run import Played, Result


def show(result: Result, *, console: Console) -> None:
    console.print(_faults(result.steps))
    console.print(count_table("Final status of the leads", result.ends))
    console.print(count_table("Counted in the tables", result.totals))
    console.print(count_table("Senders and dispatchers", result.seen))
    periods = result.order.periods
    console.print(
        f"{result.totals['leads']:,} leads drained {result.drained_seconds:.1f} s after the last was sent"
        f" (the {periods.name} periods allow {longest_way_back(periods):.1f} s);"
        f" {result.seconds:.0f} s in all, seed {result.order.seed}"
    )
    for finding in result.findings:
        console.print(f"BROKEN: {finding}", style="bold red")
    if not result.findings:
        console.print(
            "chaos: no lead was lost, no sale or charge was made twice, and every event was recorded"
        )


def _faults(steps: Sequence[Played]) -> Table:
    table = _table(f"{len(steps)} steps: faults and recovery")
    for name in (
        "fault",
        "times",
        "in flight at fault",
        "resumed after s",
        "finished after s",
        "repaired by",
        "verify",
    ):
        table.add_column(name, justify="left" if name in ("fault", "repaired by", "verify") else "right")
    for fault in FAULTS:
        played = [each for each in steps if each.step.fault == fault]
        if played:
            table.add_row(FAULTS[fault].title, *_cells(played))
    return table


def _cells(played: Sequence[Played]) -> Iterator[str]:
    times = sum(each.step.times for each in played)
    yield str(times)
    yield f"{sum(each.inflight for each in played) / times:.0f}"
    yield _spread([each.resumed_seconds for each in played])
    yield _spread([each.drained_seconds for each in played if each.drained_seconds is not None])
    repaired = sum((Counter(each.repaired) for each in played), Counter[str]())
    yield ", ".join(f"{name} {count}" for name, count in sorted(repaired.items())) or "-"
    broken = sum(bool(each.broken) for each in played)
    yield f"{broken} of {len(played)} broken" if broken else f"holds, {len(played)} of {len(played)}"


def _spread(seconds: Sequence[float]) -> str:
    return f"{median(seconds):.2f} (most {max(seconds):.2f})" if seconds else "-"


def count_table(title: str, counts: Mapping[str, int]) -> Table:
    table = _table(title)
    table.add_column("")
    table.add_column("how many", justify="right")
    for name, count in counts.items():
        table.add_row(name, f"{count:,}")
    return table


def as_json(result: Result) -> dict[str, Any]:
    whole = asdict(result)
    whole["findings"] = [asdict(each) for each in result.findings]
    return whole


def _table(title: str) -> Table:
    return Table(title=title, box=box.ASCII2, title_justify="left", title_style="bold")
