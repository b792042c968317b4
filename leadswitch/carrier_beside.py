"""Prepares the account and the channel with which `make up --with-carrier` places calls at the fake carrier."""

from typing import Final
from urllib.parse import urlsplit

from django.db import transaction

from distribution.models import CarrierAccount, Channel
from leadswitch.fake_carrier import ACCOUNT_SID, AUTH_TOKEN, CALLEES
from routing.models import Workspace

NAME: Final = "Fake carrier"
SLUG: Final = "calls"
LINES: Final = 3


@transaction.atomic
def prepare_channel(api_url: str) -> str:
    """Of the oldest workspace, or of a new one. Returns the line for the terminal.

    An account keeps its address. Each address of the fake carrier has one, and those of earlier starts are disabled.
    """
    workspace = Workspace.objects.order_by("pk").first() or Workspace.objects.create(slug=SLUG, name="Calls")
    name = f"{NAME} at {urlsplit(api_url).netloc}"
    earlier = CarrierAccount.objects.filter(workspace=workspace, account_sid=ACCOUNT_SID).exclude(name=name)
    earlier.update(is_enabled=False)
    Channel.objects.filter(account__in=earlier).update(is_enabled=False)
    account, _ = CarrierAccount.objects.update_or_create(
        workspace=workspace,
        name=name,
        defaults={"is_enabled": True},
        create_defaults={"api_url": api_url, "account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN},
    )
    Channel.objects.update_or_create(
        workspace=workspace,
        name=name,
        defaults={"is_enabled": True},
        create_defaults={
            "account": account,
            "lines": LINES,
            "number": f"+1404555{2_000 + workspace.pk % 8_000}",
        },
    )
    return (
        f"A fake carrier rings nobody's phone. It has {LINES} lines in the workspace {workspace.name}. The last two"
        f" digits of a number choose who answers: {CALLEES}."
    )
