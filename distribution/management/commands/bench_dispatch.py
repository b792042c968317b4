"""`manage.py bench_dispatch`: how late leads start and how many are moved, against Celery and a poller."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from distribution.bench.children import ChildFailed
from distribution.bench.database import BenchBusy, bench_database
from distribution.bench.dispatch import backlog_part, lag_part, moves_part
from distribution.bench.dispatch.aims import judge
from distribution.bench.dispatch.plan import Plan
from distribution.bench.dispatch.processes import Place, RedisInUse, bench_redis, start_child
from distribution.bench.dispatch.tables import show
from distribution.bench.dispatch.waiting import NotStarted
from distribution.bench.machine import describe_machine
from distribution.bench.progress import show_progress
from distribution.bench.report import publish_report


class Command(BaseCommand):
    help = (
        "Measures the lag from due to started, for leads that are due at once and for delayed ones; how many leads one"
        " dispatcher moves with a million scheduled, and what a scheduled lead costs in memory; and how a backlog comes"
        " back. Beside it, in the same run, Celery's countdown and a poller of PostgreSQL. Uses a database of its own"
        " and the Redis database 9, which must be empty. Prints tables and writes var/bench/dispatch.json."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--quick", action="store_true", help="few leads: shows that it runs, not how fast"
        )
        parser.add_argument("--json", action="store_true", help="print the JSON instead of tables")

    def handle(self, *_: Any, **options: Any) -> None:
        plan = Plan.quick() if options["quick"] else Plan.full()
        directory = settings.VAR_DIR / "bench"
        directory.mkdir(parents=True, exist_ok=True)
        try:
            with bench_database(keep=False) as database_url, bench_redis() as redis_url:
                report = measure(
                    plan, Place(database_url, redis_url, directory), console=Console(stderr=True)
                )
        except (BenchBusy, ChildFailed, RedisInUse, NotStarted) as error:
            raise CommandError(str(error), returncode=2) from error
        publish_report(
            report,
            judge(report),
            path=directory / "dispatch.json",
            is_json=options["json"],
            stream=self.stdout,
            show=show,
        )


def measure(plan: Plan, place: Place, *, console: Console) -> Mapping[str, Any]:
    """Lags, with few and with many leads scheduled; then what is moved; then what a flush of Redis leaves to do."""
    report: dict[str, Any] = {"machine": describe_machine()}
    with start_child(place) as child:
        child.ask("migrate")
        child.ask("build")
        child.ask("fill", count=plan.small_backlog, due_in=moves_part.YEAR_SECONDS)
        child.ask("put_backlog")
        with show_progress("lag", lag_part.read_steps(plan), console=console) as progress:
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
