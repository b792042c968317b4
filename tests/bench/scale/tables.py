"""The report of the big history as tables, one for each part."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console

from tests.bench.aims import Aim
from tests.bench.cells import start_table
from tests.bench.scale.health.tables import show_health
from tests.bench.tables import show_aims, show_machine


def show(report: Mapping[str, Any], aims: Sequence[Aim], *, console: Console) -> None:
    look = box.SIMPLE_HEAD if console.is_terminal else box.ASCII2
    for part in dict.fromkeys(each["part"] for each in report["targets"]):
        table = start_table(f"{part}, {report['leads']:,} leads", look)
        table.add_column("target", overflow="fold")
        for name in ("budget ms", "first ms", "last ms", "wall ms", "uses", "rows"):
            table.add_column(name, justify="right")
        table.add_column("")
        for each in report["targets"]:
            if each["part"] == part:
                table.add_row(*_cells(each))
        console.print(table)
    if "health" in report:
        show_health(report["health"], look=look, console=console)
    console.print(show_aims(aims, look))
    show_machine(report["machine"], console=console)


def _cells(each: Mapping[str, Any]) -> list[str]:
    rows = "" if each["rows"] is None else f"{each['rows']:,}"
    return [
        each["name"],
        f"{each['budget_ms']:,}",
        f"{each['first_ms']:,.1f}",
        f"{each['last_ms']:,.1f}",
        f"{each['wall_ms']:,.1f}",
        str(each["uses"]),
        rows,
        each["problem"],
    ]
