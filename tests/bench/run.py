"""`python -m tests.bench`: how fast the product is, compared with hand-written code on the same machine.

Prints tables and writes bench.json. Exit code 2: the measurement failed.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.bench import engine_part, intake_part, outbound_part
from tests.bench.aims import judge
from tests.bench.children import ChildFailed, start_children
from tests.bench.database import BenchBusy, bench_database
from tests.bench.machine import describe_machine
from tests.bench.parts import BARE_PARTS, DATABASE_PARTS, PARTS, Part, Site
from tests.bench.plan import WAITING_BUYERS, Plan
from tests.bench.program import make_directory, refuse
from tests.bench.progress import show_progress
from tests.bench.report import publish_report
from tests.bench.tables import show

ABOUT = (
    "Measures leads/s of the engine and requests/s of the intake against hand-written baselines, in turns and in a"
    " database of its own, and routing decisions/s; requests/s to a receiver; deliveries/s of a deliverer; pings;"
    " auctions, claims, listeners and closings of offers;"
    " how fast retries are drained; what a lead waits for; and what"
    " distributed traces cost. Prints tables and writes var/bench/bench.json."
)


def main(arguments: Sequence[str], *, stream: Any = None) -> int:
    """Returns the exit code. Raises SystemExit for wrong arguments."""
    options = read_options(arguments)
    directory = make_directory()
    parts = (options.part,) if options.part else PARTS
    try:
        report = measure(read_plan(options), parts=parts, directory=directory, keep=options.keep)
    except (
        BenchBusy,
        ChildFailed,
        engine_part.WrongRows,
        intake_part.NotCreated,
        outbound_part.NotAnswered,
    ) as error:
        return refuse(error)
    publish_report(
        report,
        judge(report),
        path=directory / "bench.json",
        is_json=options.json,
        stream=stream or sys.stdout,
        show=show,
    )
    return 0


def read_options(arguments: Sequence[str]) -> Namespace:
    """Raises SystemExit (exit code 2) for an invalid count."""
    parser = ArgumentParser(prog="python -m tests.bench", description=ABOUT)
    parser.add_argument("--quick", action="store_true", help="few leads: shows that it runs, not how fast")
    parser.add_argument("--part", choices=PARTS, help="only this part")
    parser.add_argument("--leads", type=int, help="leads a round at 10 buyers; fewer for larger pools")
    parser.add_argument("--rounds", type=int, help="rounds of each measurement, 3 or more")
    parser.add_argument("--json", action="store_true", help="print the JSON instead of tables")
    parser.add_argument("--keep", action="store_true", help="keep the bench's database")
    parser.add_argument("--traceback", action="store_true", help="show where a failure to start came from")
    options = parser.parse_args(arguments)
    for name, least in (("leads", 2), ("rounds", 3)):
        given = getattr(options, name)
        if given is not None and given < least:
            parser.error(f"--{name} {given}: give {least} or more")
    return options


def read_plan(options: Namespace) -> Plan:
    plan = Plan.quick() if options.quick else Plan.full()
    if options.leads is not None:
        plan = plan.with_leads(options.leads)
    return plan.with_rounds(options.rounds) if options.rounds is not None else plan


def measure(plan: Plan, *, parts: Sequence[str], directory: Path, keep: bool) -> Mapping[str, Any]:
    report: dict[str, Any] = {"machine": describe_machine()}
    console = Console(stderr=True)
    bare = [each for each in BARE_PARTS if each.name in parts]
    report |= _measure_each(bare, Site(plan, directory), console)
    others = [each for each in DATABASE_PARTS if each.name in parts]
    if others:
        with bench_database(keep=keep) as database_url:
            workers = max(plan.worker_counts)
            with start_children(
                workers, database_url=database_url, log=directory / "workers.log"
            ) as children:
                children[0].ask("migrate")
                report |= _measure_each(others, Site(plan, directory, database_url, children), console)
    return report


def _measure_each(parts: Sequence[Part], site: Site, console: Console) -> dict[str, Any]:
    report: dict[str, Any] = {}
    has_pool = False
    for part in parts:
        if part.needs_pool and not has_pool:
            engine_part.build_pool(site.children, size=WAITING_BUYERS)
            has_pool = True
        with show_progress(part.name, part.count_steps(site.plan), console=console) as progress:
            report[part.name] = part.measure(site, progress)
    return report
