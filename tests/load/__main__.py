"""`python -m tests.load`: leads at planned times into the whole product, on servers of its own (docs/load.md).

Exit code 0: every aim is met. 1: an aim is missed. 2: wrong arguments, or the run failed. 3: the run is void.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from tests.load.plan import ARRIVALS, FULL, POISSON, SHORT, Phase, one_rate
from tests.load.product import DIRECTORY, LoadBusy, NotStarted, fresh_servers, set_environment

MET, MISSED, NOT_RUN, VOID = 0, 1, 2, 3


def main(arguments: Sequence[str], *, stream: Any = None) -> int:
    """Returns the exit code. Raises SystemExit for wrong arguments."""
    options = read_options(arguments)
    set_environment()
    try:
        with fresh_servers():
            return measure(options, stream=stream or sys.stdout)
    except LoadBusy as error:
        return refuse(error)


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--short", action="store_true", help="seconds in each phase: a minute in all")
    parser.add_argument("--rate", type=positive, help="one phase at this many leads a second")
    parser.add_argument("--seconds", type=positive, default=60.0, help="how long, with --rate (default 60)")
    parser.add_argument("--arrivals", choices=ARRIVALS, default=POISSON, help="how planned times are spread")
    parser.add_argument("--seed", type=int, default=1, help="of planned times and leads")
    parser.add_argument(
        "--workers", type=int, default=2, help="web and worker processes, each, as in `make up`"
    )
    parser.add_argument(
        "--cross-check", action="store_true", help="repeat the fastest phase with autocannon (needs npx)"
    )
    parser.add_argument("--json", action="store_true", help="print the JSON instead of tables")
    options = parser.parse_args(arguments)
    if options.rate and options.short:
        parser.error("--rate and --short: give one of them")
    return options


def positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 100_000:
        message = f"{text}: give a number above 0"
        raise argparse.ArgumentTypeError(message)
    return value


def choose_phases(options: argparse.Namespace) -> tuple[Phase, ...]:
    if options.rate:
        return one_rate(options.rate, options.seconds)
    return SHORT if options.short else FULL


def measure(options: argparse.Namespace, *, stream: Any) -> int:
    import django

    django.setup()
    from tests.bench.report import publish_report
    from tests.load.aims import is_void, judge
    from tests.load.crosscheck import NoAutocannon
    from tests.load.run import GeneratorFailed, run
    from tests.load.tables import show

    console = Console(stderr=True)
    try:
        report = run(
            options,
            choose_phases(options),
            progress=lambda text: console.print(f"load: {text}", highlight=False),
        )
    except (GeneratorFailed, NoAutocannon, NotStarted) as error:
        return refuse(error)
    aims = judge(report)
    publish_report(report, aims, path=DIRECTORY / "load.json", is_json=options.json, stream=stream, show=show)
    if is_void(report):
        return VOID
    return MET if all(aim.is_met for aim in aims) else MISSED


def refuse(error: Exception) -> int:
    sys.stderr.write(f"{error}\n")
    return NOT_RUN


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main(sys.argv[1:]))
