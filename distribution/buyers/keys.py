"""Finds the buyer for a new key, and the end of the key's last day."""

from datetime import date, datetime, timedelta

from distribution.models import Buyer
from routing.calendar.zones import load_zone, start_of_day
from tracing.parsing import parse_id, parse_uuid


class BuyerNotFound(ValueError):
    """No such buyer, or several. The message lists the known ones."""


def choose_buyer(text: str, *, workspace_slug: str = "") -> Buyer:
    """Return the one buyer that `text` names: a public id, an id or a name. Raises BuyerNotFound."""
    buyers = Buyer.objects.select_related("workspace").order_by("workspace__slug", "name")
    if workspace_slug:
        buyers = buyers.filter(workspace__slug=workspace_slug)
    public_id, row_id = parse_uuid(text), parse_id(text)
    if public_id is not None:
        found = list(buyers.filter(public_id=public_id))
    else:
        found = list(buyers.filter(name__iexact=text)[:10]) if "\x00" not in text else []
        if not found and row_id is not None:
            found = list(buyers.filter(pk=row_id))
    if not found:
        known = ", ".join(f"{buyer.name!r} ({buyer.workspace.slug})" for buyer in buyers[:20])
        message = f"no buyer {text!r}; there are {known or 'none yet'}"
        raise BuyerNotFound(message)
    if len(found) > 1:
        slugs = ", ".join(buyer.workspace.slug for buyer in found)
        message = f"several workspaces have a buyer {text!r}: choose one with --workspace ({slugs})"
        raise BuyerNotFound(message)
    return found[0]


def end_of_day(day: date, *, timezone: str) -> datetime:
    """A key that expires on a day works until that day ends in the buyer's time zone."""
    return start_of_day(day + timedelta(days=1), zone=load_zone(timezone))
