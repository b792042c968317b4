"""`manage.py database`: connections, waiting sessions, long transactions and the largest tables of PostgreSQL."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from leadswitch.levels.reports import report_database
from leadswitch.management.reports import print_reports
from routing.management.database_errors import readable_database
from tracing.parsing import positive_argument


class Command(BaseCommand):
    help = (
        "Show what PostgreSQL is busy with: its connections and their limit, sessions that wait for a lock and for"
        " whom, transactions of more than a second, and the largest tables with their dead rows. Reads only."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--limit",
            type=positive_argument,
            default=10,
            metavar="N",
            help="print at most N rows per table (10)",
        )

    def handle(self, *_: Any, limit: int, **__: Any) -> None:
        with readable_database():
            print_reports(self.stdout, report_database(limit=limit))
