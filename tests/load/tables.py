"""The report of a load run as tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table

from tests.bench.aims import Aim
from tests.bench.cells import start_table
from tests.bench.tables import show_aims
from tests.load.aims import MAX_LAG_MS, is_void

SPARKS: Final = "▁▂▃▄▅▆▇█"


def show(report: Mapping[str, Any], aims: Sequence[Aim], *, console: Console) -> None:
    look = box.SIMPLE_HEAD if console.is_terminal else box.ASCII2
    for table in (_phases(report["phases"], look), _waits(report["phases"], look), _processes(report, look)):
        console.print(table)
    if report["cross_check"]:
        console.print(_cross_check(report["cross_check"], look))
    for line in _lines(report):
        console.print(line, markup=False, highlight=False)
    console.print(show_aims(aims, look))
    if is_void(report):
        worst = report["generator"]["worst_lag_ms"]
        console.print(
            f"VOID: the generator started a lead {worst:.0f} ms late (limit {MAX_LAG_MS:g} ms). The machine was too"
            " busy for the generator, so these figures are not the product's. Stop other programs and run again."
        )


def _phases(phases: Sequence[Mapping[str, Any]], look: box.Box) -> Table:
    table = start_table("Leads", look)
    for name in (
        "phase",
        "planned/s",
        "achieved/s",
        "sent",
        "accepted",
        "decided",
        "sold %",
        "dup. %",
        "success %",
    ):
        table.add_column(name, justify="left" if name == "phase" else "right")
    for phase in phases:
        table.add_row(
            phase["phase"],
            f"{phase['planned_rate']:g}",
            f"{phase['achieved_rate']:.1f}",
            *(f"{phase[name]:,}" for name in ("sent", "accepted", "decided")),
            *(f"{phase[name]:.2f}" for name in ("sold_percent", "duplicate_percent", "success_percent")),
        )
    return table


def _waits(phases: Sequence[Mapping[str, Any]], look: box.Box) -> Table:
    table = start_table("ms: receipt to decision (database) | planned start to answer (intake)", look)
    names = ("phase", "p50", "p95", "p99", "aim p95", "intake p50", "p95", "p99", "missed starts", "load")
    for name in names:
        table.add_column(name, justify="left" if name == "phase" else "right")
    for phase in phases:
        aim = phase["p95_aim_ms"]
        table.add_row(
            phase["phase"],
            *(f"{value:.1f}" for value in phase["decision_ms"].values()),
            "" if aim is None else f"< {aim:g}",
            *(f"{value:.1f}" for value in phase["intake_ms"].values()),
            f"{phase['missed_starts']:,}",
            f"{phase['load']:.1f}",
        )
    return table


def _processes(report: Mapping[str, Any], look: box.Box) -> Table:
    table = start_table("Processes: memory over the run, and percent of one CPU in each phase", look)
    names = [phase["phase"] for phase in report["phases"]]
    for name in ("kind", "MB first", "MB last", "MB most", *names):
        table.add_column(name, justify="left" if name == "kind" else "right")
    for kind, memory in report["memory_mb"].items():
        cpu = (f"{phase['cpu_percent'].get(kind, 0.0):.0f}" for phase in report["phases"])
        table.add_row(kind, *(f"{memory[name]:.0f}" for name in ("first", "last", "most")), *cpu)
    return table


def _cross_check(check: Mapping[str, Any], look: box.Box) -> Table:
    table = start_table(f"Intake at {check['rate']:g}/s, ms: two generators, one after the other", look)
    for name in ("generator", "answers", "p50", "p95 / p97.5", "p99"):
        table.add_column(name, justify="left" if name == "generator" else "right")
    for row in check["rows"]:
        table.add_row(row["generator"], f"{row['answers']:,}", *(f"{value:.1f}" for value in row["ms"]))
    return table


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    generator, locks, machine = report["generator"], report["locks"], report["machine"]
    yield (
        f"generator: worst start lag {generator['worst_lag_ms']:.1f} ms, p99 {generator['p99_lag_ms']:.1f} ms,"
        f" {generator['missed_starts']:,} missed starts, {generator['cpu_percent']:.0f}% of one CPU"
    )
    yield (
        f"locks: {locks['timed_out']:,} timed out, {locks['busy']:,} busy; attempts retried: {report['retried']:,};"
        f" due retries at the end: {report['retries_due_at_end']:,}"
    )
    connections = report["connections"]
    yield f"connections: at most {connections['peak']} of {connections['limit']}"
    if report["recovery_seconds"] is not None:
        yield f"recovery: the last lead of the spike was decided {report['recovery_seconds']:.1f} s after the spike"
    window = report["window_seconds"]
    yield f"p95 by {window:g} s: {spark([each['p95_ms'] for each in report['windows']])}"
    for refusal in generator["first_refusals"]:
        yield f"refused: {refusal}"
    yield (
        f"{machine['cpu_count']} CPUs, Python {machine['python']}, PostgreSQL {machine['postgres']}, fsync"
        f" {machine['fsync']}, load average before {machine['load_before']}, seed {report['seed']},"
        f" {report['arrivals']} arrivals"
    )


def spark(values: Sequence[float]) -> str:
    """Return one character a value, from 0 to the greatest, with the least and greatest as numbers."""
    if not values:
        return "no leads"
    most = max(values) or 1.0
    line = "".join(SPARKS[min(len(SPARKS) - 1, int(len(SPARKS) * value / most))] for value in values)
    return f"{line}  ({min(values):.0f} to {max(values):.0f} ms)"
