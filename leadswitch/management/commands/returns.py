"""`manage.py returns`: the return requests that wait for review, by buyer and reason."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from leadswitch.levels.delivery_reports import report_returns
from leadswitch.management.reports import add_limit, print_reports
from routing.management.database_errors import readable_database


class Command(BaseCommand):
    help = (
        "Count the return requests that wait for review, by workspace, buyer and reason. The oldest first. Operators"
        " decide them in the admin, at Returns. Reads only."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add_limit(parser, default=20)

    def handle(self, *_: Any, limit: int, **__: Any) -> None:
        with readable_database():
            print_reports(self.stdout, [report_returns(limit=limit)])
