"""Prepares the account and the channel with which `make up --with-carrier` places calls at the fake carrier."""

from typing import Final

from django.db import transaction

from distribution.models import CarrierAccount, Channel
from leadswitch.fake_carrier import ACCOUNT_SID, AUTH_TOKEN, CALLEES
from routing.models import Workspace

NAME: Final = "Fake carrier"
SLUG: Final = "calls"
LINES: Final = 3


@transaction.atomic
def prepare_channel(api_url: str) -> str:
    """Of the oldest workspace, or of a new one. A second start finds both. Returns the line for the terminal."""
    workspace = Workspace.objects.order_by("pk").first() or Workspace.objects.create(slug=SLUG, name="Calls")
    account, _ = CarrierAccount.objects.update_or_create(
        workspace=workspace,
        name=NAME,
        defaults={
            "api_url": api_url,
            "account_sid": ACCOUNT_SID,
            "auth_token": AUTH_TOKEN,
            "is_enabled": True,
        },
    )
    Channel.objects.get_or_create(
        workspace=workspace,
        name=NAME,
        defaults={"account": account, "lines": LINES, "number": f"+1404555{2_000 + workspace.pk % 8_000}"},
    )
    return (
        f"A fake carrier rings nobody's phone. It has {LINES} lines in the workspace {workspace.name}. The last two"
        f" digits of a number choose who answers: {CALLEES}."
    )
