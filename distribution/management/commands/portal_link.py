"""`manage.py portal_link`: prints a sign-in link for a person who cannot get the email."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from distribution.buyers.portal_links import LINK_MINUTES, make_link_token
from distribution.portal.mails import make_link
from routing.values.normalize import FieldError, normalize_email

NO_ADDRESS: Final = (
    "This is the path alone. Put the address of the web server before it, such as http://127.0.0.1:8000 with `make up`,"
    " or set LEADSWITCH_BASE_URL."
)


class Command(BaseCommand):
    help = (
        f"Print a link with which a person signs in to the portal, once, within {LINK_MINUTES} minutes. The person must"
        " have access already: an operator invites people on the page of the buyer. Anybody with the link can sign in,"
        " so hand it over in a safe way. Exit code 2: nothing was done; the message says why."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the address of the person")

    def handle(self, *_: Any, email: str, **__: Any) -> None:
        try:
            address = normalize_email(email)
        except FieldError as error:
            raise CommandError(f"the address {error}", returncode=2) from None
        token = make_link_token(address or "", at=datetime.now(UTC))
        if token is None:
            raise CommandError("nobody with this address has access to a buyer", returncode=2)
        self.stdout.write(make_link(token))
        if not settings.LEADSWITCH_BASE_URL:
            self.stderr.write(NO_ADDRESS)
