"""`manage.py reconcile`: reports data that has drifted from PostgreSQL, and repairs it with --fix."""

import json
import sys
import time
from collections.abc import Sequence
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from redis.exceptions import RedisError

from routing.management.database_errors import readable_database
from routing.reconcile import (
    NO_LIMIT,
    Counts,
    Reconciler,
    ReconcilerBusy,
    find_reconciler,
    list_reconcilers,
    run_reconciler,
)
from tracing.parsing import positive_argument

CLEAN: Final = "reconcile: no drift found"
COLUMNS: Final = ("checked", "found", "repaired", "seconds")


class Command(BaseCommand):
    help = (
        "Find data that has drifted from PostgreSQL and report it. --fix repairs it. Exit code 0: no drift is left;"
        " 1: some is left, or a reconciler could not run because another run is in progress or Redis does not respond;"
        " 2: wrong arguments, or the database cannot be read."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", metavar="NAME", help="run only this reconciler (default: all)")
        parser.add_argument("--fix", action="store_true", help="repair what is found, as periodic runs do")
        parser.add_argument(
            "--limit", type=positive_argument, metavar="N", help="check at most N rows per reconciler"
        )

        parser.add_argument(
            "--json", action="store_true", help="print JSON with the kind and id of each finding"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        chosen = _choose(options["name"])
        width = max(len("reconciler"), *(len(each.name) for each in chosen))
        show = _Document() if options["json"] else _Table(self.stdout, width)
        with readable_database():
            left = [
                self._run(each, fix=options["fix"], limit=options["limit"] or NO_LIMIT, show=show)
                for each in chosen
            ]
        if isinstance(show, _Document):
            self.stdout.write(
                json.dumps(
                    {"is_clean": all(number == 0 for number in left), "reconcilers": show.rows}, indent=2
                )
            )
        else:
            self.stdout.write(_conclude(left, fix=options["fix"]))
        if any(number != 0 for number in left):
            sys.exit(1)

    def _run(
        self, reconciler: Reconciler, *, fix: bool, limit: int, show: "_Table | _Document"
    ) -> int | None:
        """Return how many problems are left; None if it could not run."""
        started = time.perf_counter()
        try:
            counts = run_reconciler(reconciler, fix=fix, limit=limit)
        except ReconcilerBusy:
            show.busy(reconciler.name)
            return None
        except RedisError as error:
            show.without_redis(reconciler.name, f"Redis does not respond ({type(error).__name__})")
            return None
        show.done(reconciler.name, counts, time.perf_counter() - started)
        return counts.skipped


class _Table:
    """Text output: one line per reconciler, with its findings below."""

    def __init__(self, out: OutputWrapper, width: int) -> None:
        self.out, self.width = out, width
        out.write(f"{'reconciler':<{width}}" + "".join(f"  {column:>9}" for column in COLUMNS))

    def busy(self, name: str) -> None:
        self.out.write(f"{name:<{self.width}}  busy: another run is in progress")

    def without_redis(self, name: str, cause: str) -> None:
        self.out.write(f"{name:<{self.width}}  not checked: {cause}")

    def done(self, name: str, counts: Counts, seconds: float) -> None:
        self.out.write(f"{name:<{self.width}}" + _cells(counts, seconds))
        if counts.named:
            more = counts.found - len(counts.named)
            self.out.write(f"  {', '.join(counts.named)}" + (f" and {more:,} more" if more > 0 else ""))


class _Document:
    """JSON output."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def busy(self, name: str) -> None:
        self.rows.append({"name": name, "is_busy": True})

    def without_redis(self, name: str, cause: str) -> None:
        self.rows.append({"name": name, "is_busy": False, "failure": cause})

    def done(self, name: str, counts: Counts, seconds: float) -> None:
        self.rows.append(
            {
                "name": name,
                "is_busy": False,
                "checked": counts.checked,
                "found": counts.found,
                "repaired": counts.repaired,
                "left": counts.skipped,
                "named": list(counts.named),
                "is_cut": counts.found > len(counts.named),
                "seconds": round(seconds, 3),
            }
        )


def _choose(name: str | None) -> Sequence[Reconciler]:
    if name is None:
        return list_reconcilers()
    try:
        return [find_reconciler(name)]
    except KeyError as error:
        known = ", ".join(each.name for each in list_reconcilers())
        message = f"there is no reconciler {name!r}; choose one of {known}"
        raise CommandError(message, returncode=2) from error


def _cells(counts: Counts, seconds: float) -> str:
    numbers = (counts.checked, counts.found, counts.repaired)
    return "".join(f"  {number:>9,}" for number in numbers) + f"  {seconds:>9.2f}"


def _conclude(left: Sequence[int | None], *, fix: bool) -> str:
    total, busy = sum(number or 0 for number in left), left.count(None)
    if not total:
        return CLEAN if not busy else f"reconcile: {busy} not checked"
    return f"reconcile: {total:,} drifted" + (
        "" if fix else "; --fix repairs what can be repaired automatically"
    )
