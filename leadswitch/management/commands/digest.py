"""manage.py digest: print the daily digest, or mail it."""

from argparse import ArgumentParser
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from leadswitch.env.mail import EXAMPLE_SERVER, parse_address
from leadswitch.env.parse import BadEnvironment
from leadswitch.levels.digest.content import read_digest
from leadswitch.levels.digest.mail import NoMailServer, render_text, send
from leadswitch.levels.digest.sending import describe_mails, name_cause, send_digest
from routing.management.database_errors import readable_database
from routing.queries import read_clock
from tracing.wording import count

NO_SERVER = f"no mail server is set: set EMAIL_URL, such as {EXAMPLE_SERVER}"


class Command(BaseCommand):
    help = (
        "Print the daily digest: the last 24 full hours beside the 24 before, the objectives, and what waits now."
        " Celery beat mails it once a day to LEADSWITCH_DIGEST_RECIPIENTS. Without an option, reads only."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        how = parser.add_mutually_exclusive_group()
        how.add_argument(
            "--send", action="store_true", help="mail it now to the recipients who have not received it today"
        )
        how.add_argument("--to", metavar="ADDRESS", help="mail it to this address, to test the mail server")

    def handle(self, *_: Any, send: bool, to: str | None, **__: Any) -> None:
        with readable_database():
            if to:
                self._send_to(to)
            elif send:
                self._send()
            else:
                at = read_clock()
                self.stdout.write(render_text(read_digest(at=at)))
                self.stdout.write(describe_mails(at))

    def _send(self) -> None:
        if not settings.LEADSWITCH_DIGEST_RECIPIENTS:
            message = "nobody would receive it: set LEADSWITCH_DIGEST_RECIPIENTS to one or more addresses"
            raise CommandError(message, returncode=2)
        at = read_clock()
        failed = send_digest(at=at)
        self.stdout.write(describe_mails(at))
        if failed:
            raise CommandError(f"{count(len(failed), 'mail')} could not be sent")

    def _send_to(self, address: str) -> None:
        try:
            recipient = parse_address("--to", address)
            send(read_digest(at=read_clock()), recipient)
        except BadEnvironment as error:
            raise CommandError(f"--to: {address!r} is not an e-mail address", returncode=2) from error
        except NoMailServer as error:
            raise CommandError(NO_SERVER, returncode=2) from error
        except (SMTPException, OSError) as error:
            message = f"{settings.EMAIL_HOST} did not accept the mail: {name_cause(error)}"
            raise CommandError(message) from error
        self.stdout.write(f"{settings.EMAIL_HOST} accepted the digest for {recipient}.")
