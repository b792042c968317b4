"""Finds the buyer for a new key, and the end of the key's last day."""

from datetime import date, datetime, timedelta

from distribution.models import Buyer
from routing.access.named import choose_named
from routing.calendar.zones import load_zone, start_of_day


def choose_buyer(text: str, *, workspace_slug: str = "") -> Buyer:
    """Return the one buyer that `text` names: a public id, an id or a name. Raises NameNotFound."""
    return choose_named(Buyer.objects.all(), text, lookup="name__iexact", workspace_slug=workspace_slug)


def end_of_day(day: date, *, timezone: str) -> datetime:
    """Return when this day ends in the time zone. A key works until the end of its last day."""
    return start_of_day(day + timedelta(days=1), zone=load_zone(timezone))
