"""`manage.py rehash_identities`: repeats the step of the migration."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from routing.intake.rehash import rehash_identities
from tracing.wording import count


class Command(BaseCommand):
    help = (
        "Recompute the identities of leads whose computation has changed. `migrate` does this; run it"
        " again after an upgrade, once the last process of the earlier version has stopped. Safe at any time."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count without changing anything")

        parser.add_argument(
            "--all",
            action="store_true",
            help="recompute every lead, after LEADSWITCH_IDENTITY_KEY has changed",
        )

    def handle(self, *_: Any, dry_run: bool, **options: Any) -> None:
        number = rehash_identities(is_dry_run=dry_run, is_new_key=options["all"])
        self.stdout.write(f"{count(number, 'lead')} {'would get' if dry_run else 'got'} a new identity")
