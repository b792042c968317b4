"""`manage.py failures`: the attempts that failed or are tried again, by workspace and reason."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from leadswitch.levels.reports import report_failures
from leadswitch.management.reports import print_reports
from routing.management.arguments import read_workspace
from routing.management.database_errors import readable_database
from tracing.parsing import positive_argument


class Command(BaseCommand):
    help = (
        "Count recent attempts on which the product failed (failed) or which are tried again soon (retry), by workspace"
        " and reason, each with its latest lead. `manage.py explain LEAD` shows the trace of that lead. Reads only."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--minutes", type=positive_argument, default=60, metavar="N", help="of the last N minutes (60)"
        )
        parser.add_argument("--workspace", metavar="SLUG", help="count only attempts in this workspace")
        parser.add_argument(
            "--limit", type=positive_argument, default=20, metavar="N", help="print at most N rows (20)"
        )

    def handle(self, *_: Any, minutes: int, workspace: str | None, limit: int, **__: Any) -> None:
        with readable_database():
            slug = read_workspace(workspace).slug if workspace else None
            report = report_failures(minutes=minutes, workspace=slug, limit=limit)
            print_reports(self.stdout, [report])
