"""manage.py verify: checks every invariant on live data and reports breaches."""

import json
import os
import sys
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandParser

from distribution.verify import Findings, Invariant, Report, run_verification
from distribution.verify.display import show_progress
from routing.management.database_errors import readable_database
from tracing.parsing import positive_argument
from tracing.wording import count

HOLDS: Final = "verify: all invariants hold"
MOST_JOBS: Final = 4


class Command(BaseCommand):
    help = (
        "Check the invariants of leads, money and traces. Read-only, but --incremental records how far it got. "
        "Exit code 0: all hold; 1: a breach; 2: invalid arguments, or the database cannot be read."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        part = parser.add_mutually_exclusive_group()
        part.add_argument(
            "--limit",
            type=positive_argument,
            metavar="N",
            help="check only the N newest leads with their attempts; wallets and counters are always checked in full",
        )
        part.add_argument(
            "--incremental",
            action="store_true",
            help="check only what was written since the last clean incremental run; the first run checks everything",
        )
        parser.add_argument(
            "--jobs",
            type=positive_argument,
            metavar="N",
            default=min(MOST_JOBS, os.cpu_count() or 1),
            help="number of processes for a long run (default: one per core, at most 4)",
        )
        parser.add_argument("--quiet", action="store_true", help="hide progress")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")

    def handle(self, *_: Any, **options: Any) -> None:
        with readable_database():
            report = _run(options)
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
        if report.incremental:
            self.stdout.write(_say_whole(report))
        self.stdout.write(f"checked in {report.seconds:.1f} s")
        broken = [findings.breaches for _, findings in report.results if findings.breaches]
        self.stdout.write(
            f"verify: {count(sum(broken), 'breach', 'breaches')} of {count(len(broken), 'invariant')}"
            if broken
            else HOLDS
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
        "whole": [invariant.name for invariant, _ in report.results if invariant.name in report.whole],
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


def _say_whole(report: Report) -> str:
    whole = [invariant.name for invariant, _ in report.results if invariant.name in report.whole]
    if not whole:
        return "checked only what was written since the last clean incremental run"
    return f"checked everything, because there is no recent clean incremental run: {', '.join(whole)}"


def _run(options: dict[str, Any]) -> Report:
    with show_progress(is_quiet=options["quiet"]) as progress:
        return run_verification(
            limit=options["limit"],
            incremental=options["incremental"],
            jobs=options["jobs"],
            progress=progress,
        )
