"""The report of the dispatch bench as tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from tests.bench.aims import Aim
from tests.bench.cells import start_table
from tests.bench.dispatch.backlog_part import draw
from tests.bench.dispatch.plan import KINDS, TITLES
from tests.bench.tables import show_aims, show_machine

MEGABYTE = 1_000_000


def show(report: Mapping[str, Any], aims: Sequence[Aim], *, console: Console) -> None:
    look = box.SIMPLE_HEAD if console.is_terminal else box.ASCII2
    for table in _tables(report, look):
        console.print(table)
    console.print("When the leads of the backlog become due, after the reconciler began:")
    for line in draw(report["backlog"]["by_second"]):
        console.print(line, markup=False, highlight=False)
    console.print(show_aims(aims, look))
    show_machine(report["machine"], console=console)


def _tables(report: Mapping[str, Any], look: box.Box) -> Iterator[Table]:
    yield _lags(report["lags"], look)
    yield _shared(report["lags"], look)
    yield _flat(report["flat"], look)
    yield _moves(report, look)
    yield _backlog(report["backlog"], look)


def _lags(lags: Mapping[str, Any], look: box.Box) -> Table:
    table = start_table(f"Due to started, ms; {lags['backlog']:,} others scheduled", look)
    for name in ("leads/s", "started by", "lead", "leads", "p50", "p95", "p99", "max"):
        table.add_column(name, justify="left" if name in ("started by", "lead") else "right")
    for rate in dict.fromkeys(run["rate"] for run in lags["runs"]):
        for run in lags["runs"]:
            if run["rate"] == rate:
                for kind in KINDS:
                    table.add_row(str(rate), TITLES[run["contender"]], kind, *_lag_cells(run[kind]))
        table.add_section()
    return table


def _shared(lags: Mapping[str, Any], look: box.Box) -> Table:
    title = f"The same at {lags['shared'][0]['rate']} leads/s, beside {lags['piled']:,} due leads of another workspace"
    table = start_table(title, look)
    for name in ("started by", "lead", "leads", "p50", "p95", "p99", "max"):
        table.add_column(name, justify="left" if name in ("started by", "lead") else "right")
    for run in lags["shared"]:
        for kind in KINDS:
            table.add_row(TITLES[run["contender"]], kind, *_lag_cells(run[kind]))
    return table


def _flat(runs: Sequence[Mapping[str, Any]], look: box.Box) -> Table:
    table = start_table(
        f"The same for LeadSwitch at {runs[0]['rate']} leads/s, by how many are scheduled", look
    )
    for name in ("scheduled", "lead", "leads", "p50", "p95", "p99", "max"):
        table.add_column(name, justify="left" if name == "lead" else "right")
    for run in runs:
        for kind in KINDS:
            table.add_row(f"{run['backlog']:,}", kind, *_lag_cells(run[kind]))
    return table


def _lag_cells(lag: Mapping[str, Any]) -> Iterator[str]:
    yield f"{lag['leads']:,}"
    for name in ("p50_ms", "p95_ms", "p99_ms", "max_ms"):
        yield f"{lag[name]:,.1f}"


def _moves(report: Mapping[str, Any], look: box.Box) -> Table:
    schedule, moves = report["schedule"], report["moves"]
    dispatcher, countdown = moves["dispatcher"], moves["countdown"]
    table = start_table(f"In and out, with {schedule['leads']:,} leads scheduled", look)
    for name in ("what", "leads/s", "memory"):
        table.add_column(name, justify="left" if name == "what" else "right")
    table.add_row(
        "LeadSwitch: put, 500 per call",
        f"{schedule['puts_a_second']:,.0f}",
        f"{schedule['bytes_a_lead']:.0f} bytes of Redis a lead",
    )
    table.add_row("LeadSwitch: put, one per call", f"{schedule['puts_alone_a_second']:,.0f}", "")
    table.add_row(
        f"LeadSwitch: {moves['moved']:,} due at once, moved by one dispatcher",
        f"{dispatcher['moved_a_second']:,.0f}",
        f"dispatcher {dispatcher['resident_bytes'] / MEGABYTE:.0f} MB"
        f" ({dispatcher['resident_bytes_before'] / MEGABYTE:.0f} before)",
    )
    table.add_row(
        f"Celery countdown: {countdown['published']:,} published",
        f"{countdown['published_a_second']:,.0f}",
        f"{countdown['redis_bytes_a_lead']:,.0f} bytes of Redis a lead,"
        f" {countdown['worker_bytes_a_lead']:,.0f} of the worker",
    )
    table.add_row(
        f"PostgreSQL poller by hand: {moves['moved']:,} claimed and published",
        f"{moves['poller']['moved_a_second']:,.0f}",
        "",
    )
    return table


def _backlog(backlog: Mapping[str, Any], look: box.Box) -> Table:
    table = start_table("A backlog after a flush of Redis", look)
    for name in (
        "overdue",
        "put back",
        "straight to a queue",
        "early",
        "reconciler, s",
        "most in a second",
        "over, s",
    ):
        table.add_column(name, justify="right")
    by_second = backlog["by_second"]
    table.add_row(
        f"{backlog['overdue']:,}",
        f"{backlog['repaired']:,}",
        f"{backlog['straight']:,}",
        f"{backlog['early']:,}",
        f"{backlog['seconds']:.1f}",
        f"{max(by_second, default=0):,}",
        f"{len(by_second):,}",
    )
    return table
