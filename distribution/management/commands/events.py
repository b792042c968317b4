"""`manage.py events`: prints docs/events.md, or writes it."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from distribution.deliveries.payloads.catalog_page import write_page


class Command(BaseCommand):
    help = "Print the page about events with their fields and examples."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--write", action="store_true", help="write docs/events.md instead of printing it"
        )

    def handle(self, *_: Any, write: bool, **__: Any) -> None:
        if write:
            (settings.BASE_DIR / "docs" / "events.md").write_text(write_page())
        else:
            self.stdout.write(write_page(), ending="")
