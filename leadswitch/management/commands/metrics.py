"""`manage.py metrics`: prints docs/metrics.md, or writes it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from leadswitch.env import REPOSITORY
from leadswitch.levels.serving.listing import render_page


class Command(BaseCommand):
    help = "Print a table of every series that the product exports, with its type, labels and meaning."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--write", action="store_true", help="write docs/metrics.md instead of printing it"
        )

    def handle(self, *_: Any, write: bool, **__: Any) -> None:
        if write:
            (REPOSITORY / "docs" / "metrics.md").write_text(render_page())
        else:
            self.stdout.write(render_page(), ending="")
