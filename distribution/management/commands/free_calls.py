"""`manage.py free_calls ACCOUNT`: end the calls of a carrier account that is closed for good."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from distribution.calls.freeing import WARNING, FreeRefused, free_calls
from distribution.models import CarrierAccount
from routing.management.arguments import describe_operator
from routing.management.database_errors import readable_database
from tracing.audit import MAX_REASON
from tracing.wording import count


class Command(BaseCommand):
    help = (
        "End the calls of a stopped carrier account that have lasted far too long and that the carrier will never "
        f"report. Their lines, leads and phones are free. {WARNING}"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", type=UUID, help="the public id on the page of the carrier account")
        parser.add_argument("--reason", required=True, help="recorded in the audit log")

    def handle(self, *_: Any, account: UUID, reason: str, **__: Any) -> None:
        if not reason.strip() or len(reason) > MAX_REASON:
            raise CommandError(f"Give a reason of at most {MAX_REASON} characters.", returncode=2)
        with readable_database():
            found = CarrierAccount.objects.filter(public_id=account).values_list("pk", flat=True).first()
            if found is None:
                raise CommandError("There is no such carrier account.", returncode=2)
            try:
                freed = free_calls(found, at=timezone.now(), actor=describe_operator(), reason=reason)
            except FreeRefused as refused:
                raise CommandError(f"Nothing was changed: {refused}.") from refused
        self.stdout.write(f"{count(freed, 'call')} ended. {WARNING}")
