"""`manage.py create_buyer_key`: a key with which a buyer's programs read the API, printed once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from distribution.management.keyarguments import add_key_options, issue_for, print_once
from routing.access.api_keys import KeyRefused
from routing.access.named import NameNotFound


class Command(BaseCommand):
    help = "Create an API key for a buyer and print it. The key is shown only once; only its hash is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--buyer", required=True, metavar="BUYER", help="the buyer's name, public id, or id"
        )
        parser.add_argument(
            "--workspace", default="", metavar="SLUG", help="needed if more than one has that name"
        )
        add_key_options(parser)

    def handle(self, *_: Any, buyer: str, workspace: str, **options: Any) -> None:
        asked = {name: options[name] for name in ("name", "scopes", "expires", "reason")}
        try:
            issued = issue_for(buyer=buyer, workspace=workspace, **asked)
        except (KeyRefused, NameNotFound) as error:
            raise CommandError(str(error), returncode=2) from None
        print_once(issued, out=self.stdout, err=self.stderr)
        self.stderr.write(
            "Send requests to  /api/v1/buyer/me/  with the header  Authorization: Api-Key <key>  (see /api/docs/)"
        )
