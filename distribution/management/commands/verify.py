"""manage.py verify: checks every invariant on live data and says which are broken."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, ProgrammingError
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from distribution.verify import INVARIANTS, Findings, Invariant, Report, run_verification
from tracing.parsing import positive_argument

HOLDS = "verify: all invariants hold"


class Command(BaseCommand):
    help = (
        "Check the invariants of leads, money and traces. Reads only. Exit code 0: all hold; 1: a breach; "
        "2: wrong arguments, or the database cannot be read."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--limit",
            type=positive_argument,
            metavar="N",
            help="only the N newest leads with their attempts; wallets and counters are always checked whole",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            with _progress() as progress:
                report = run_verification(limit=options["limit"], progress=progress)
        except ProgrammingError as error:
            message = "the tables are missing or of another version; run `make migrate` first"
            raise CommandError(message, returncode=2) from error
        except OperationalError as error:
            message = f"the database cannot be read: {str(error).splitlines()[0]}"
            raise CommandError(message, returncode=2) from error
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(report)))
        else:
            self._print(report)
        if not report.holds:
            sys.exit(1)

    def _print(self, report: Report) -> None:
        width = max(len(invariant.sentence) for invariant, _ in report.results)
        self.stdout.write(f"    {'invariant':<{width}}  {'checked':>9}  {'breaches':>8}")
        for invariant, findings in report.results:
            self.stdout.write(
                f"{invariant.number:>2}  {invariant.sentence:<{width}}"
                f"  {findings.checked:>9,}  {findings.breaches:>8,}"
            )
        for invariant, findings in report.results:
            self._print_details(invariant, findings)
        self.stdout.write(f"checked in {report.seconds:.1f} s")
        broken = [findings.breaches for _, findings in report.results if findings.breaches]
        self.stdout.write(
            f"verify: {sum(broken):,} breaches of {len(broken)} invariants" if broken else HOLDS
        )

    def _print_details(self, invariant: Invariant, findings: Findings) -> None:
        for breach in findings.examples:
            self.stdout.write(f"breach of {invariant.number}: {breach.subject}: {breach.message}")
        hidden = findings.breaches - len(findings.examples)
        if hidden:
            self.stdout.write(f"breach of {invariant.number}: and {hidden:,} more")
        for note in findings.notes:
            self.stdout.write(f"note on {invariant.number}: {note}")


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "holds": report.holds,
        "seconds": round(report.seconds, 3),
        "invariants": [
            {
                "number": invariant.number,
                "name": invariant.name,
                "sentence": invariant.sentence,
                "checked": findings.checked,
                "breaches": findings.breaches,
                "examples": [
                    {"subject": breach.subject, "message": breach.message} for breach in findings.examples
                ],
                "notes": findings.notes,
            }
            for invariant, findings in report.results
        ],
    }


class _Bar:
    """One bar over the checks, with the rows that the present one has streamed."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=len(INVARIANTS), rows=0)
        self._rows = 0
        self._begun = 0

    def begin(self, invariant: Invariant) -> None:
        self._rows = 0
        self._bar.update(self._task, completed=self._begun, description=invariant.name, rows=0)
        self._begun += 1

    def tick(self) -> None:
        self._rows += 1
        if self._rows % 100 == 0:
            self._bar.update(self._task, rows=self._rows)


@contextmanager
def _progress() -> Iterator[_Bar | None]:
    """Show a bar on a terminal, nothing elsewhere. It goes to standard error: the report stays clean."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("verify {task.description:<8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rows]} rows"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        yield _Bar(bar)
