"""manage.py check_definitions [--fix]: definitions that no lead can meet, or that change nothing."""

from argparse import ArgumentParser
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError

from distribution.effect import find_without_effect
from distribution.stored import review_stored


class Command(BaseCommand):
    help = (
        "Name stored areas, filters, rules, answers, verticals and time zones that no lead can meet, with the way to "
        "write them. Exits with 1 when something is left to correct."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--fix", action="store_true", help="correct what can be corrected without loss")

    def handle(self, *, fix: bool, **_: Any) -> None:
        left = 0
        for finding in (*review_stored(apps.get_model, write=fix), *find_without_effect()):
            left += not finding.is_corrected
            self.stdout.write(f"{'corrected: ' if finding.is_corrected else ''}{finding}")
        if left:
            plural = "definition needs" if left == 1 else "definitions need"
            raise CommandError(f"{left:,} {plural} to be corrected.")
        self.stdout.write("Every definition can be met.")
