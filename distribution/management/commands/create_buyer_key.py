"""`manage.py create_buyer_key`: a key with which a buyer's programs read the API, printed once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from distribution.management.keyarguments import add_key_options, issue_for, print_once
from routing.access.api_keys import KeyRefused
from routing.access.named import NameNotFound


class Command(BaseCommand):
    help = "Make a key for a buyer and print it. The key is shown only once; LeadSwitch stores its hash."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--buyer", required=True, metavar="BUYER", help="its name, its public id, or its id"
        )
        parser.add_argument("--workspace", default="", metavar="SLUG", help="where several have that name")
        add_key_options(parser)

    def handle(self, *_: Any, buyer: str, workspace: str, **options: Any) -> None:
        asked = {name: options[name] for name in ("name", "scopes", "expires", "reason")}
        try:
            issued = issue_for(buyer=buyer, workspace=workspace, **asked)
        except (KeyRefused, NameNotFound) as error:
            raise CommandError(str(error), returncode=2) from None
        print_once(issued, out=self.stdout, err=self.stderr)
        self.stderr.write(
            "Ask with the header  Authorization: Api-Key <key>  for  /api/v1/buyer/me/  (see /api/docs/)"
        )
