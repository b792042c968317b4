"""`manage.py deliveries`: whether sold leads reach the buyers' systems, and what waits for a person."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from leadswitch.levels.deliveries import find_delivery_problems, read_deliveries
from leadswitch.levels.delivery_reports import report_deliveries
from leadswitch.management.reports import add_limit, print_reports
from routing.management.database_errors import readable_database


class Command(BaseCommand):
    help = (
        "Show the deliverers that are alive, the endpoints that have due, unknown or failing messages, the messages"
        " that wait for a person, and the oldest open holds. Reads only. Exit code 1 if there is a problem."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add_limit(parser, default=10)

    def handle(self, *_: Any, limit: int, **__: Any) -> None:
        with readable_database():
            state = read_deliveries()
            print_reports(self.stdout, report_deliveries(state, limit=limit))
        problems = list(find_delivery_problems(state))
        self.stdout.write("")
        for problem in problems or ["No problems found."]:
            self.stdout.write(f"Problem: {problem}" if problems else problem)
        if problems:
            sys.exit(1)
