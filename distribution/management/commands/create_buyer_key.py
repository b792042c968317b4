"""`manage.py create_buyer_key`: a key with which a buyer's programs read the API, printed once."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from distribution.buyerkeys import BuyerKeyNotMade, NewBuyerKey, choose_buyer, create_buyer_key, end_of_day
from distribution.models import BuyerScope
from tracing import wording


class Command(BaseCommand):
    help = "Make a key for a buyer and print it. The key is shown this once; only its hash is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--buyer", required=True, metavar="BUYER", help="its name, its public id, or its id"
        )
        parser.add_argument("--workspace", default="", metavar="SLUG", help="where several have that name")
        parser.add_argument("--name", default="made by command", help="to tell its keys apart")
        parser.add_argument(
            "--expires",
            type=_read_day,
            metavar="YYYY-MM-DD",
            help="its last day, in the buyer's timezone; without it the key does not expire",
        )

    def handle(self, *_: Any, buyer: str, workspace: str, name: str, expires: date | None, **__: Any) -> None:
        try:
            made = _make(buyer, workspace=workspace, name=name, expires=expires)
        except BuyerKeyNotMade as error:
            raise CommandError(str(error), returncode=2) from None
        until = made.key.expiry_date
        ends = f"good until {wording.moment(until)}" if until else "without an end"
        # The key alone goes to stdout: KEY=$(manage.py create_buyer_key ...)
        self.stderr.write(
            f"Key of {made.key.buyer.name} in workspace {made.key.buyer.workspace.slug}, {ends}, shown this once:"
        )
        self.stdout.write(made.text)
        self.stderr.write(
            "Ask with the header  Authorization: Api-Key <key>  for  /api/v1/buyer/me/  (see /api/docs/)"
        )


def _make(text: str, *, workspace: str, name: str, expires: date | None) -> NewBuyerKey:
    buyer = choose_buyer(text, workspace_slug=workspace)
    expires_at = None if expires is None else end_of_day(expires, timezone=buyer.timezone)
    return create_buyer_key(
        buyer, name=name, expires_at=expires_at, scopes=list(BuyerScope), at=datetime.now(UTC)
    )


def _read_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is no day: write 2027-01-31"
        raise ArgumentTypeError(message) from None
