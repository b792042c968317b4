"""manage.py check_definitions [--fix]: finds definitions that no lead can match, or that have no effect."""

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError

from distribution.attempts.campaigns import find_other_places, raise_version
from distribution.review.effect import find_without_effect
from distribution.review.stored import Finding, review_stored


class Command(BaseCommand):
    help = (
        "List stored service areas, hours, filters, rules, answers, modes, verticals and time zones that are"
        " invalid or that no lead can match, and show how to correct them."
        " Exit code 0: nothing needs correction; 1: something does."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--fix",
            action="store_true",
            help="correct what can be corrected without loss, and have campaigns use the refreshed ZIP code tables",
        )

    def handle(self, *, fix: bool, **_: Any) -> None:
        left = 0
        findings = (
            *review_stored(apps.get_model, write=fix),
            *find_without_effect(),
            *_review_places(write=fix),
        )
        for finding in findings:
            left += not finding.is_corrected
            self.stdout.write(f"{'corrected: ' if finding.is_corrected else ''}{finding}")
        if left:
            plural = "definition needs" if left == 1 else "definitions need"
            raise CommandError(f"{left:,} {plural} to be corrected.")
        self.stdout.write("Every definition is valid, and leads can match it.")


def _review_places(*, write: bool) -> Iterator[Finding]:
    """Campaigns whose version still has outdated locations of ZIP codes (decisions/0040)."""
    for campaign_id in find_other_places():
        if write:
            raise_version(campaign_id)
        message = "the ZIP code tables have new locations for its circles; its next version uses them"
        yield Finding(f"campaign {campaign_id} config_version", message, is_corrected=write)
