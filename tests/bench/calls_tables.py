"""The calls of the report as tables."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich import box
from rich.table import Table

from tests.bench.cells import start_table


def show_calls(calls: Mapping[str, Any], look: box.Box) -> Iterator[Table]:
    yield _busy(calls["busy"], look)
    yield _begins(calls["begins"], look)
    yield _idle(calls["idle"], look)


def _busy(busy: Mapping[str, Any], look: box.Box) -> Table:
    table = start_table(
        f"Calls over {busy['lines']} lines with a full queue: {busy['ring_seconds']} s each,"
        f" {busy['seconds']:g} s, {busy['dials']} dials",
        look,
    )
    for name in (
        "from a free line to the next dial, p50 ms",
        "p95 ms",
        "lines in use %",
        "CPU of the dialer, ms a call",
    ):
        table.add_column(name, justify="right")
    gaps = busy["gaps"]
    numbers = (gaps["p50_ms"], gaps["p95_ms"], busy["busy_percent"], busy["cpu_ms"])
    table.add_row(*(f"{each:.1f}" for each in numbers[:2]), f"{numbers[2]:.2f}", f"{numbers[3]:.1f}")
    return table


def _begins(begins: Mapping[str, Any], look: box.Box) -> Table:
    table = start_table(
        f"A call begins: {begins['statements']} statements, median of {begins['calls']} calls", look
    )
    for name in ("", "ms"):
        table.add_column(name, justify="right" if name else "left")
    for name, median_ms in begins["median_ms"].items():
        table.add_row(name, f"{median_ms:.2f}")
    return table


def _idle(idle: Mapping[str, Any], look: box.Box) -> Table:
    table = start_table("CPU of a dialer that has nothing to do", look)
    for name in ("waiting", "% of a core"):
        table.add_column(name, justify="right")
    table.add_row("0", f"{idle['without_percent']:.2f}")
    table.add_row(f"{idle['waiting']:,}, no free line", f"{idle['with_queue_percent']:.2f}")
    return table
