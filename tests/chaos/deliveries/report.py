"""The closing tables of a run, and its JSON. Every figure was counted in the run."""

from dataclasses import asdict
from typing import Any

from rich.console import Console

from tests.chaos.deliveries.run import Result
from tests.chaos.report import count_table


def show(result: Result, *, console: Console) -> None:
    console.print(count_table("Counted in the tables", result.totals))
    console.print(count_table("Faults, and what followed", result.seen))
    console.print(f"{result.seconds:.0f} s in all, seed {result.order.seed}", highlight=False)
    for finding in result.findings:
        console.print(f"BROKEN: {finding}", style="bold red")
    if not result.findings:
        console.print(
            "chaos: no exclusive lead was accepted by two buyers, none was charged twice, and every"
        )
        console.print("message has an end")


def as_json(result: Result) -> dict[str, Any]:
    return {
        "part": "deliveries",
        "order": asdict(result.order),
        "seconds": result.seconds,
        "totals": dict(result.totals),
        "seen": dict(result.seen),
        "findings": [asdict(each) for each in result.findings],
    }
