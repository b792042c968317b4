"""`python -m tests.bench.scrapes`: how long a scrape of each process takes, also while PostgreSQL is frozen.

The whole product runs on servers of its own in a temporary directory. Prints a table and writes scrapes.json.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

from rich import box
from rich.console import Console

from leadswitch.levels.exporter.collector import SUCCESS
from leadswitch.levels.exporter.collectors.postgres import POSTGRES
from tests.bench.aims import Aim
from tests.bench.cells import start_table
from tests.bench.machine import describe_machine
from tests.bench.numbers import Spread
from tests.bench.program import make_directory
from tests.bench.report import publish_report
from tests.bench.tables import show_aims, show_machine
from tests.support.exporter_programs import frozen
from tests.support.scrapes import Endpoint
from tests.support.whole_product import WholeProduct, own_product

SCRAPES: Final = 200
MAX_MS: Final = 100.0
RUNNING, FROZEN = "running", "frozen"
Times = Mapping[str, Mapping[str, float]]


def main(arguments: Sequence[str], *, stream: Any = None) -> int:
    """Returns the exit code. Raises SystemExit for wrong arguments."""
    parser = ArgumentParser(prog="python -m tests.bench.scrapes", description=__doc__)
    parser.add_argument("--scrapes", type=int, default=SCRAPES, help="of each process (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the JSON instead of a table")
    options = parser.parse_args(arguments)
    machine = describe_machine()
    with TemporaryDirectory() as directory, own_product(Path(directory)) as product:
        times = measure(product, scrapes=options.scrapes)
    publish_report(
        {"machine": machine, "scrapes": options.scrapes, "times": times},
        judge(times),
        path=make_directory() / "scrapes.json",
        is_json=options.json,
        stream=stream or sys.stdout,
        show=show,
    )
    return 0


def measure(product: WholeProduct, *, scrapes: int) -> Mapping[str, Times]:
    """The milliseconds of scrapes by process, with PostgreSQL running and frozen."""
    running = _time_endpoints(product, scrapes)
    with frozen(product.var_dir):
        product.exporter.wait_for(SUCCESS.name, 0, collector=POSTGRES.name)
        stopped = _time_endpoints(product, scrapes)
    return {RUNNING: running, FROZEN: stopped}


def _time_endpoints(product: WholeProduct, scrapes: int) -> Times:
    times = {}
    for job, endpoint in sorted(product.endpoints.items()):
        spread = Spread.of([_time_scrape(endpoint) for _ in range(scrapes)])
        times[str(job)] = {"median_ms": spread.median, "longest_ms": spread.greatest}
    return times


def _time_scrape(endpoint: Endpoint) -> float:
    """Milliseconds from the connection to the whole answer."""
    started = perf_counter()
    endpoint.read()
    return (perf_counter() - started) * 1000


def judge(times: Mapping[str, Times]) -> list[Aim]:
    return [
        Aim(
            f"scrape of {job}, PostgreSQL frozen",
            f"each under {MAX_MS:.0f} ms",
            f"longest {each['longest_ms']:.1f} ms",
            each["longest_ms"] < MAX_MS,
        )
        for job, each in times[FROZEN].items()
    ]


def show(report: Mapping[str, Any], aims: Sequence[Aim], *, console: Console) -> None:
    look = box.SIMPLE_HEAD if console.is_terminal else box.ASCII2
    table = start_table(f"{report['scrapes']} scrapes of each process, in ms", look)
    table.add_column("process")
    for name in ("running: median", "longest", "frozen: median", "longest"):
        table.add_column(name, justify="right")
    for job in report["times"][RUNNING]:
        each = [report["times"][state][job] for state in (RUNNING, FROZEN)]
        table.add_row(job, *(f"{state[name]:.1f}" for state in each for name in ("median_ms", "longest_ms")))
    console.print(table)
    console.print(show_aims(aims, look))
    show_machine(report["machine"], console=console)
