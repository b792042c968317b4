"""`python -m tests.bench.dispatch`: how late leads start and how many are moved, against Celery and a poller.

Prints tables and writes dispatch.json. Exit code 2: the measurement failed.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from tests.bench.children import ChildFailed
from tests.bench.database import BenchBusy, bench_database
from tests.bench.dispatch import backlog_part, lag_part, moves_part
from tests.bench.dispatch.aims import judge
from tests.bench.dispatch.plan import Plan
from tests.bench.dispatch.processes import Place, RedisInUse, bench_redis, start_child
from tests.bench.dispatch.tables import show
from tests.bench.dispatch.waiting import NotStarted
from tests.bench.machine import describe_machine
from tests.bench.program import make_directory, refuse
from tests.bench.progress import show_progress
from tests.bench.report import publish_report

ABOUT = (
    "Measures the lag from due to started, for leads that are due at once and for delayed ones; how many leads one"
    " dispatcher moves with a million scheduled, and what a scheduled lead costs in memory; and how a backlog comes"
    " back. Beside it, in the same run, Celery's countdown and a poller of PostgreSQL. Uses a database of its own"
    " and the Redis database 9, which must be empty. Prints tables and writes var/bench/dispatch.json."
)


def main(arguments: Sequence[str], *, stream: Any = None) -> int:
    """Returns the exit code. Raises SystemExit for wrong arguments."""
    options = read_options(arguments)
    plan = Plan.quick() if options.quick else Plan.full()
    directory = make_directory()
    try:
        with bench_database(keep=False) as database_url, bench_redis() as redis_url:
            report = measure(plan, Place(database_url, redis_url, directory), console=Console(stderr=True))
    except (BenchBusy, ChildFailed, RedisInUse, NotStarted) as error:
        return refuse(error)
    publish_report(
        report,
        judge(report),
        path=directory / "dispatch.json",
        is_json=options.json,
        stream=stream or sys.stdout,
        show=show,
    )
    return 0


def read_options(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(prog="python -m tests.bench.dispatch", description=ABOUT)
    parser.add_argument("--quick", action="store_true", help="few leads: shows that it runs, not how fast")
    parser.add_argument("--json", action="store_true", help="print the JSON instead of tables")
    parser.add_argument("--traceback", action="store_true", help="show where a failure to start came from")
    return parser.parse_args(arguments)


def measure(plan: Plan, place: Place, *, console: Console) -> Mapping[str, Any]:
    """Measure lags with few and many leads scheduled, then the moves, then the recovery from a flush of Redis."""
    report: dict[str, Any] = {"machine": describe_machine()}
    with start_child(place) as child:
        child.ask("migrate")
        child.ask("build")
        child.ask("fill", count=plan.small_backlog, due_in=moves_part.YEAR_SECONDS)
        child.ask("put_backlog")
        with show_progress("lag", lag_part.count_steps(plan), console=console) as progress:
            report["lags"] = lag_part.measure_lags(plan, child, place, progress=progress)
            small = lag_part.measure_flatness(
                plan, child, place, backlog=plan.small_backlog, progress=progress
            )
        with show_progress("moves", moves_part.STEPS + 2, console=console) as progress:
            report["schedule"] = moves_part.fill_schedule(plan, child, progress=progress)
            large = lag_part.measure_flatness(
                plan, child, place, backlog=plan.large_backlog, progress=progress
            )
            report["flat"] = [small, large]
            report["moves"] = moves_part.measure_moves(plan, child, place, progress=progress)
        with show_progress("backlog", backlog_part.STEPS, console=console) as progress:
            report["backlog"] = backlog_part.measure_backlog(plan, child, progress=progress)
    return report
