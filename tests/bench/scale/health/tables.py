"""The report of the part: a table of the pages, the big tables, and the plans."""

from collections.abc import Mapping
from typing import Any, Final

from rich import box
from rich.console import Console

from tests.bench.cells import start_table

# Longer statements differ in what they add up, not in what they read.
MAX_SQL: Final = 300


def show_health(report: Mapping[str, Any], *, look: box.Box, console: Console) -> None:
    title = f"health, {report['attempts']:,} attempts of {report['days']} days in {report['workspaces']} workspaces"
    table = start_table(title, look)
    table.add_column("page", overflow="fold")
    for name in ("median ms", "p95 ms", "CPU median ms", "CPU p95 ms", "uses", "statements"):
        table.add_column(name, justify="right")
    for each in report["pages"]:
        times = [each[name] for name in ("wall_median_ms", "wall_p95_ms", "cpu_median_ms", "cpu_p95_ms")]
        table.add_row(
            each["name"], *(f"{ms:.1f}" for ms in times), str(each["uses"]), str(each["statements"])
        )
    console.print(table)
    big = ", ".join(f"{name} {rows:,} rows" for name, rows in report["tables"].items())
    console.print(f"Big tables: {big}.")
    for each in report["plans"]:
        _show_plan(each, console=console)


def _show_plan(plan: Mapping[str, Any], *, console: Console) -> None:
    sql = plan["sql"] if len(plan["sql"]) <= MAX_SQL else f"{plan['sql'][:MAX_SQL]} ..."
    console.print(f"\n{plan['execution_ms']:.2f} ms, {plan['page']}\n{sql}", markup=False, soft_wrap=True)
    console.print(plan["plan"], markup=False, soft_wrap=True)
