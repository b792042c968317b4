"""`manage.py calls`: whether leads are called, and what channels, accounts and calls have a problem."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from leadswitch.levels.call_refusals import find_refusals
from leadswitch.levels.call_reports import report_calls
from leadswitch.levels.calls import find_call_problems, read_calls
from leadswitch.management.reports import add_limit, print_reports
from routing.management.database_errors import readable_database


class Command(BaseCommand):
    help = (
        "Show channels with their lines and answer rates, stopped accounts, calls in doubt, leads that wait for a call,"
        " and how calls ended and webhooks were applied lately. Reads only. Exit code 1 if there is a problem."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add_limit(parser, default=10)

    def handle(self, *_: Any, limit: int, **__: Any) -> None:
        with readable_database():
            state = read_calls()
            print_reports(self.stdout, report_calls(state, limit=limit))
            problems = [*find_call_problems(state), *find_refusals()]
        self.stdout.write("")
        for problem in problems or ["No problems found."]:
            self.stdout.write(f"Problem: {problem}" if problems else problem)
        if problems:
            sys.exit(1)
