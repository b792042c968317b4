"""manage.py reconcile: says what has drifted from the truth, and with --fix puts it right."""

import json
import sys
import time
from collections.abc import Sequence
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from django.db import OperationalError, ProgrammingError

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

CLEAN: Final = "reconcile: nothing is out of order"
COLUMNS: Final = ("checked", "found", "repaired", "seconds")


class Command(BaseCommand):
    help = (
        "Compare what should follow from the database with what is there, and report it; --fix repairs it. Exit code 0:"
        " nothing is out of order any more; 1: something is, or could not be looked at because another run is under"
        " way; 2: wrong arguments, or the database cannot be read."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", metavar="NAME", help="only this reconciler; without it, all")
        parser.add_argument(
            "--fix", action="store_true", help="repair what is found, as the periodic runs do"
        )
        parser.add_argument(
            "--limit", type=positive_argument, metavar="N", help="look at no more than N rows each"
        )

        parser.add_argument(
            "--json", action="store_true", help="a document, with what was found by kind and id"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        chosen = _choose(options["name"])
        width = max(len("reconciler"), *(len(each.name) for each in chosen))
        show = _Document() if options["json"] else _Table(self.stdout, width)
        try:
            left = [
                self._run(each, fix=options["fix"], limit=options["limit"] or NO_LIMIT, show=show)
                for each in chosen
            ]
        except ProgrammingError as error:
            message = "the tables are missing or of another version; run `make migrate` first"
            raise CommandError(message, returncode=2) from error
        except OperationalError as error:
            message = f"the database cannot be read: {str(error).splitlines()[0]}"
            raise CommandError(message, returncode=2) from error
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
        """Return how much is left out of order; None when another run is under way."""
        started = time.perf_counter()
        try:
            counts = run_reconciler(reconciler, fix=fix, limit=limit)
        except ReconcilerBusy:
            show.busy(reconciler.name)
            return None
        show.done(reconciler.name, counts, time.perf_counter() - started)
        return counts.skipped


class _Table:
    """For people: a line each, and below it what was found."""

    def __init__(self, out: OutputWrapper, width: int) -> None:
        self.out, self.width = out, width
        out.write(f"{'reconciler':<{width}}" + "".join(f"  {column:>9}" for column in COLUMNS))

    def busy(self, name: str) -> None:
        self.out.write(f"{name:<{self.width}}  busy: another run is under way")

    def done(self, name: str, counts: Counts, seconds: float) -> None:
        self.out.write(f"{name:<{self.width}}" + _cells(counts, seconds))
        if counts.named:
            more = counts.found - len(counts.named)
            self.out.write(f"  {', '.join(counts.named)}" + (f" and {more:,} more" if more > 0 else ""))


class _Document:
    """For machines."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def busy(self, name: str) -> None:
        self.rows.append({"name": name, "is_busy": True})

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
        message = f"there is no reconciler {name!r}; there are {known}"
        raise CommandError(message, returncode=2) from error


def _cells(counts: Counts, seconds: float) -> str:
    numbers = (counts.checked, counts.found, counts.repaired)
    return "".join(f"  {number:>9,}" for number in numbers) + f"  {seconds:>9.2f}"


def _conclude(left: Sequence[int | None], *, fix: bool) -> str:
    total, busy = sum(number or 0 for number in left), left.count(None)
    if not total:
        return CLEAN if not busy else f"reconcile: {busy} not looked at"
    return f"reconcile: {total:,} out of order" + ("" if fix else "; --fix repairs what a machine may repair")
