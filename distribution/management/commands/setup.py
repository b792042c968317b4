"""`manage.py setup`: stores a workspace with sources, buyers and campaigns from one YAML file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, OperationalError
from psycopg.errors import UniqueViolation

from distribution.setup.apply import SetupReport, apply_setup
from distribution.setup.document import Entry, SetupRefused, read_document
from routing.management.arguments import describe_operator
from tracing.locks import is_lock_conflict

EXAMPLE: Final = Path(__file__).resolve().parents[2] / "setup" / "example.yaml"


class Command(BaseCommand):
    help = (
        "Store a workspace with its sources, buyers and campaigns from a YAML file. Rows are matched by name: new"
        " rows are added, different ones changed, none removed, and a second run changes nothing. Keys of new sources"
        " are printed to stdout, one per line, only once. Exit code 2: the file was rejected and nothing was"
        " stored."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", metavar="FILE.yaml", help="the setup file; see --example")
        parser.add_argument("--example", action="store_true", help="print an example file and exit")
        parser.add_argument("--dry-run", action="store_true", help="check the file without storing anything")

    def handle(self, *_: Any, file: str | None, example: bool, dry_run: bool, **__: Any) -> None:
        if example:
            self.stdout.write(EXAMPLE.read_text(encoding="utf-8"), ending="")
            return
        if file is None:
            raise CommandError("name a setup file, or print an example: setup --example", returncode=2)
        try:
            report = _apply(read_document(_read(file)), is_dry_run=dry_run)
        except SetupRefused as error:
            raise CommandError(
                "\n".join([f"{file}: nothing was stored", *error.problems]), returncode=2
            ) from None
        self._show(report, is_dry_run=dry_run)

    def _show(self, report: SetupReport, *, is_dry_run: bool) -> None:
        kind, name, outcome = (
            max((len(getattr(line, column)) for line in report.lines), default=0)
            for column in ("kind", "name", "outcome")
        )
        for line in report.lines:
            text = f"{line.kind:<{kind}}  {line.name:<{name}}  {line.outcome:<{outcome}}  {line.note}"
            self.stderr.write(text.rstrip())
        if is_dry_run:
            self.stderr.write("Dry run: the file is valid; nothing was stored.")
            return
        for source, key in report.keys.items():
            self.stderr.write(f"The key of source {source}, shown only once:")
            self.stdout.write(key)


def _apply(document: Entry, *, is_dry_run: bool) -> SetupReport:
    """Raises SetupRefused, also if others change the same rows at the same time."""
    try:
        return apply_setup(document, actor=describe_operator(), is_dry_run=is_dry_run)
    except IntegrityError as error:
        if not isinstance(error.__cause__, UniqueViolation):
            raise
        raise SetupRefused(
            ["another process just stored a row with the same name: run the command again"]
        ) from None
    except OperationalError as error:
        if not is_lock_conflict(error):
            raise
        raise SetupRefused(["another process is changing the same rows: run the command again"]) from None


def _read(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{name} cannot be read: {error}"
        raise CommandError(message, returncode=2) from None
