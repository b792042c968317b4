"""The report as tables: rich on a terminal, plain text elsewhere."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table

from tests.bench.aims import Aim
from tests.bench.calls_tables import show_calls
from tests.bench.cells import show_spread, start_table
from tests.bench.deliveries_tables import show_deliveries
from tests.bench.offers_tables import show_offers
from tests.bench.pings_part import show_pings
from tests.bench.plan import BY_HAND, LOOPS, PLAIN_ORM, PRODUCT
from tests.bench.spans_part import FIGURES, OFF, ON

TITLES: Final = {PRODUCT: "LeadSwitch", BY_HAND: "psycopg by hand", PLAIN_ORM: "plain Django ORM"}


def show(report: Mapping[str, Any], aims: Sequence[Aim], *, console: Console) -> None:
    for table in _tables(report, aims, is_plain=not console.is_terminal):
        console.print(table)
    show_machine(report["machine"], console=console)


def show_machine(machine: Mapping[str, Any], *, console: Console) -> None:
    console.print(
        f"{machine['cpu_count']} CPUs, Python {machine['python']}, PostgreSQL {machine['postgres']},"
        f" fsync {machine['fsync']}, load before {machine['load_before']}"
    )


def _tables(report: Mapping[str, Any], aims: Sequence[Aim], *, is_plain: bool) -> Iterator[Table]:
    look = box.ASCII2 if is_plain else box.SIMPLE_HEAD
    if "engine" in report:
        yield _engine(report["engine"]["sizes"], look)
        yield _costs(report["engine"]["sizes"], look)
    if "intake" in report:
        yield _intake(report["intake"], look)
    if "routing" in report:
        yield _routing(report["routing"]["sizes"], look)
    if "outbound" in report:
        yield _outbound(report["outbound"], look)
    yield from _of_buyers(report, look)
    if "retries" in report:
        yield _retries(report["retries"], look)
    if "targets" in report:
        yield _targets(report["targets"]["stages"], look)
    if "spans" in report:
        yield _spans(report["spans"], look)
    yield show_aims(aims, look)


def _of_buyers(report: Mapping[str, Any], look: box.Box) -> Iterator[Table]:
    """What is sent to buyers, and what sources are answered before that."""
    if "pings" in report:
        yield show_pings(report["pings"], look)
    if "calls" in report:
        yield from show_calls(report["calls"], look)
    if "deliveries" in report:
        yield from show_deliveries(report["deliveries"], look)
    if "offers" in report:
        yield from show_offers(report["offers"], look)


def _engine(sizes: Sequence[Mapping[str, Any]], look: box.Box) -> Table:
    table = start_table("Selling leads: median of the rounds (least-greatest)", look)
    for name in ("buyers", "workers", "loop", "leads/s", "p50 ms", "p95 ms", "LeadSwitch against it"):
        table.add_column(name, justify="left" if name == "loop" else "right")
    for size in sizes:
        for run in size["runs"]:
            for name in LOOPS:
                table.add_row(str(size["buyers"]), str(run["workers"]), *_loop_cells(run, name))
            table.add_section()
    return table


def _loop_cells(run: Mapping[str, Any], name: str) -> Iterator[str]:
    loop = run["loops"][name]
    yield TITLES[name]
    yield show_spread(loop["leads_per_second"])
    yield f"{loop['p50_ms']:.2f}"
    yield f"{loop['p95_ms']:.2f}"
    yield show_spread(run["product_against"][name], digits=2) if name in run["product_against"] else ""


def _costs(sizes: Sequence[Mapping[str, Any]], look: box.Box) -> Table:
    table = start_table("One sold lead", look)
    for name in (
        "buyers",
        "SQL statements",
        "event rows",
        "facts bytes",
        "events' data bytes",
        "decide() alone, ms",
    ):
        table.add_column(name, justify="right")
    for size in sizes:
        written = size["written_a_lead"]
        cells = [size["buyers"], len(size["statements"]), written["events"]]
        cells += [written["facts_bytes"], written["events_bytes"], f"{size['decide_ms']:.3f}"]
        table.add_row(*map(str, cells))
    return table


def _intake(intake: Mapping[str, Any], look: box.Box) -> Table:
    table = start_table(
        f"Intake over HTTP: {intake['web_workers']} gunicorn workers, {intake['connections']} connections",
        look,
    )
    for name in ("view", "requests/s", "p50 ms", "p95 ms", "LeadSwitch against it"):
        table.add_column(name, justify="left" if name == "view" else "right")
    for name, title in (("product", "LeadSwitch"), ("bare", "bare DRF create")):
        view = intake["views"][name]
        ratio = show_spread(intake["product_against_bare"], digits=2) if name == "bare" else ""
        latencies = (f"{view['p50_ms']:.2f}", f"{view['p95_ms']:.2f}")
        table.add_row(title, show_spread(view["requests_per_second"]), *latencies, ratio)
    return table


def _routing(sizes: Sequence[Mapping[str, Any]], look: box.Box) -> Table:
    table = start_table("Routing decisions, pure: every lead meets another rule", look)
    for name in ("rules", "decisions/s", "rules asked", "µs a decision", "µs a rule asked"):
        table.add_column(name, justify="right")
    for size in sizes:
        table.add_row(
            f"{size['rules']:,}",
            show_spread(size["decisions_per_second"]),
            f"{size['rules_asked_a_decision']:.0f}",
            f"{size['microseconds_a_decision']:.1f}",
            f"{size['microseconds_a_rule']:.2f}",
        )
    return table


def _outbound(outbound: Mapping[str, Any], look: box.Box) -> Table:
    table = start_table("Requests to one receiver, one after the other, on an open connection", look)
    for name in ("client", "requests/s", "LeadSwitch against it"):
        table.add_column(name, justify="left" if name == "client" else "right")
    for name, title in (("product", "LeadSwitch"), ("httpx", "plain httpx loop")):
        ratio = show_spread(outbound["product_against_httpx"], digits=2) if name == "httpx" else ""
        table.add_row(title, show_spread(outbound["clients"][name]), ratio)
    return table


def _retries(retries: Mapping[str, Any], look: box.Box) -> Table:
    table = start_table(
        f"Retries in due order: {retries['leads']} in the queue, {retries['buyers']} buyers", look
    )
    for name in ("workers", "retries a minute"):
        table.add_column(name, justify="right")
    for run in retries["runs"]:
        table.add_row(str(run["workers"]), show_spread(run["retries_a_minute"]))
    return table


def _targets(stages: Sequence[Mapping[str, Any]], look: box.Box) -> Table:
    table = start_table("What a lead waits for, beside its target", look)
    for name in ("stage", "covers", "p50 ms", "p95 ms", "target ms", "below it"):
        table.add_column(name, justify="left" if name in ("stage", "covers") else "right")
    for stage in stages:
        numbers = (f"{stage['p50_ms']:.2f}", f"{stage['p95_ms']:.2f}", f"< {stage['target_ms']}")
        table.add_row(stage["stage"], stage["covers"], *numbers, f"{stage['times_below']:.0f} x")
    return table


def _spans(spans: Mapping[str, Any], look: box.Box) -> Table:
    table = start_table(
        f"Distributed traces: one worker, {spans['leads']} leads a turn, {spans['buyers']} buyers", look
    )
    for name in ("", "leads/s", "CPU ms a lead"):
        table.add_column(name, justify="right" if name else "left")
    for name in (OFF, ON):
        side = spans[name]
        table.add_row(
            name, show_spread(side["leads_per_second"]), show_spread(side["cpu_ms_a_lead"], digits=2)
        )
    against = spans["on_against_off"]
    table.add_row("on / off", *(show_spread(against[name], digits=2) for name in FIGURES))
    return table


def show_aims(aims: Sequence[Aim], look: box.Box) -> Table:
    table = start_table("Aims", look)
    for name in ("aim", "wanted", "measured", ""):
        table.add_column(name)
    for aim in aims:
        table.add_row(aim.name, aim.wanted, aim.measured, "met" if aim.is_met else "missed")
    return table
