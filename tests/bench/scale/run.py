"""`python -m tests.bench.scale`: every page, API answer, command and reconciler on a year of history.

The part `health` has a month of its own, in another database of the server.

Exit code 0: all targets are within their budgets. 1: at least one is over. 2: the measurement failed.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.test.utils import override_settings
from rich.console import Console

from tests.bench.aims import Aim
from tests.bench.machine import describe_machine
from tests.bench.program import make_directory, refuse
from tests.bench.report import publish_report
from tests.bench.scale.database import NotOurs, prepare
from tests.bench.scale.health.part import judge_health, measure_health
from tests.bench.scale.health.size import MonthSize
from tests.bench.scale.measure import USES, Measured
from tests.bench.scale.measure import measure as measure_target
from tests.bench.scale.size import FULL_LEADS, Size
from tests.bench.scale.tables import show
from tests.bench.scale.targets import HEALTH, PARTS, YEAR_PARTS, WrongAnswer, list_targets
from tracing.parsing import positive_argument

NO_LIMIT = 1_000_000
ABOUT = (
    "Fills a database of its own with a year of history, and asks every admin page, list, filter, search, API answer,"
    " command and reconciler of it, each beside its budget. Refuses a database with workspaces that it did not make."
    " Kept between runs. Exit code 0: all within their budgets; 1: something is over; 2: it could not be measured."
)


def main(arguments: Sequence[str], *, stream: Any = None) -> int:
    """Returns the exit code. Raises SystemExit for wrong arguments."""
    options = read_options(arguments)
    size, console = Size(options.leads), Console(stderr=True)
    parts = choose_parts(options)
    targets: list[Measured] = []
    health: Mapping[str, Any] | None = None
    call_command("migrate", verbosity=0)
    try:
        if set(parts) - {HEALTH}:
            prepare(size, is_fresh=options.fresh, on_progress=_progress(console))
            targets = [] if options.fill_only else measure(parts, options, console)
        if HEALTH in parts and not options.fill_only:
            health = measure_month(options, console)
    except (NotOurs, WrongAnswer) as error:
        return refuse(error)
    if options.fill_only:
        return 0
    return publish(size, targets, health, is_json=options.json, stream=stream or sys.stdout)


def read_options(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(prog="python -m tests.bench.scale", description=ABOUT)
    parser.add_argument(
        "--leads", type=positive_argument, default=FULL_LEADS, help="how many; the rest follows from it"
    )
    parser.add_argument("--fresh", action="store_true", help="fill anew")
    parser.add_argument("--fill-only", action="store_true", help="measure nothing")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this part; may be repeated")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="TEXT",
        help="only targets whose name holds this, or `health` for that part alone; may be repeated",
    )
    parser.add_argument("--uses", type=positive_argument, default=USES, help="of each page and API answer")
    parser.add_argument("--json", action="store_true", help="print the JSON instead of tables")
    parser.add_argument("--traceback", action="store_true", help="show where a failure to start came from")
    return parser.parse_args(arguments)


def choose_parts(options: Namespace) -> Sequence[str]:
    """Without --part, `--only health` is that part, and other text selects among the targets of the year."""
    if options.part or not options.only:
        return options.part or PARTS
    of_year = YEAR_PARTS if set(options.only) - {HEALTH} else ()
    return [*of_year, HEALTH] if HEALTH in options.only else of_year


def measure_month(options: Namespace, console: Console) -> Mapping[str, Any]:
    return measure_health(
        MonthSize(options.leads),
        host=_host(),
        uses=options.uses,
        is_fresh=options.fresh,
        on_progress=_progress(console),
    )


def _progress(console: Console) -> Callable[[str], None]:
    return lambda text: console.print(f"scale: {text}", highlight=False)


def _host() -> str:
    return str((settings.ALLOWED_HOSTS or ["localhost"])[0])


def measure(parts: Sequence[str], options: Namespace, console: Console) -> list[Measured]:
    texts = [text for text in options.only if options.part or text != HEALTH]
    limits = dict.fromkeys(settings.LEADSWITCH_RATE_LIMITS, (NO_LIMIT, NO_LIMIT))
    found = []
    with override_settings(LEADSWITCH_RATE_LIMITS=limits):
        for target in list(list_targets([name for name in parts if name != HEALTH], host=_host())):
            if texts and not any(text in target.name for text in texts):
                continue
            last = measure_target(target, uses=options.uses)
            found.append(last)
            if last.problem or console.is_terminal:
                console.print(f"scale: {last.name}: {last.last_ms:,.1f} ms {last.problem}", highlight=False)
    return found


def publish(
    size: Size, targets: Sequence[Measured], health: Mapping[str, Any] | None, *, is_json: bool, stream: Any
) -> int:
    """Returns the exit code."""
    aims = [*judge(targets), *([] if health is None else [judge_health(health)])]
    report = {
        "machine": describe_machine(),
        "leads": size.leads,
        "targets": [each.as_json() for each in targets],
        **({} if health is None else {"health": health}),
    }
    publish_report(
        report,
        aims,
        path=make_directory() / "scale.json",
        is_json=is_json,
        stream=stream,
        show=show,
    )
    return 0 if all(aim.is_met for aim in aims) else 1


def judge(targets: Sequence[Measured]) -> list[Aim]:
    """One aim per part: no target is over its budget."""
    aims = []
    for part in dict.fromkeys(each.part for each in targets):
        of_part = [each for each in targets if each.part == part]
        over = sum(bool(each.problem) for each in of_part)
        worst = max(of_part, key=lambda each: each.last_ms)
        measured = f"{over} of {len(of_part)} over, slowest {worst.last_ms:,.1f} ms"
        aims.append(Aim(part, f"< {worst.budget_ms:,} ms each", measured, over == 0))
    return aims
