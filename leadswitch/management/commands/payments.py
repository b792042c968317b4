"""`manage.py payments`: payments and refunds by card that have not ended, and the provider's webhooks."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from leadswitch.levels.payment_reports import report_open, report_webhooks
from leadswitch.management.reports import add_limit, print_reports
from routing.management.database_errors import readable_database


class Command(BaseCommand):
    help = "List payments and refunds by card that have not ended, the oldest first, and accepted webhooks. Reads only."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add_limit(parser, default=20)

    def handle(self, *_: Any, limit: int, **__: Any) -> None:
        with readable_database():
            print_reports(self.stdout, [report_open(limit=limit), report_webhooks(limit=limit)])
