"""`manage.py retries`: what the retry queue holds, by workspace and reason."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from leadswitch.levels.reports import report_retries
from leadswitch.management.reports import print_reports
from routing.management.arguments import read_workspace
from routing.management.database_errors import readable_database
from tracing.parsing import positive_argument


class Command(BaseCommand):
    help = (
        "Count the leads in the retry queue by workspace and reason: due now, and all. Most due leads first. Leads that"
        " are paused, in a paused workspace or in a paused product are not due. Reads only."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--workspace", metavar="SLUG", help="count only the leads of this workspace")
        parser.add_argument(
            "--limit", type=positive_argument, default=20, metavar="N", help="print at most N rows (20)"
        )

    def handle(self, *_: Any, workspace: str | None, limit: int, **__: Any) -> None:
        with readable_database():
            slug = read_workspace(workspace).slug if workspace else None
            print_reports(self.stdout, [report_retries(workspace=slug, limit=limit)])
