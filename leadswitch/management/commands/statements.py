"""`manage.py statements`: the buyers who are late to pay."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from leadswitch.levels.money_reports import report_overdue
from leadswitch.management.reports import add_limit, print_reports
from routing.management.database_errors import readable_database


class Command(BaseCommand):
    help = "List the buyers with an overdue statement, and what is still to be paid. The oldest first. Reads only."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add_limit(parser, default=20)

    def handle(self, *_: Any, limit: int, **__: Any) -> None:
        with readable_database():
            print_reports(self.stdout, [report_overdue(limit=limit)])
