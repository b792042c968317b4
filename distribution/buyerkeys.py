"""Makes buyers' keys."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.core.exceptions import ValidationError

from distribution.models import Buyer, BuyerKey, BuyerScope
from routing.zones import load_zone, start_of_day
from tracing.parsing import parse_id, parse_uuid


class BuyerKeyNotMade(ValueError):
    """Nothing was made; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class NewBuyerKey:
    """`text` is the only time that the secret is seen: its hash alone is stored."""

    key: BuyerKey
    text: str


def create_buyer_key(
    buyer: Buyer, *, name: str, expires_at: datetime | None, scopes: list[BuyerScope], at: datetime
) -> NewBuyerKey:
    """Make a key. Raises BuyerKeyNotMade."""
    if expires_at is not None and expires_at <= at:
        message = f"it would have expired already, at {expires_at:%Y-%m-%d %H:%M %Z}"
        raise BuyerKeyNotMade(message)
    codes = [scope.value for scope in scopes]
    try:
        BuyerKey(name=name, buyer=buyer, scopes=codes).clean_fields(exclude=["id", "prefix", "hashed_key"])
    except ValidationError as error:
        raise BuyerKeyNotMade(" ".join(error.messages)) from None
    made, text = BuyerKey.objects.create_key(name=name, buyer=buyer, expiry_date=expires_at, scopes=codes)
    assert isinstance(made, BuyerKey)  # noqa: S101 - narrows the type
    return NewBuyerKey(made, text)


def choose_buyer(text: str, *, workspace_slug: str = "") -> Buyer:
    """Return the one buyer that `text` names: a public id, an id or a name. Raises BuyerKeyNotMade."""
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
        raise BuyerKeyNotMade(message)
    if len(found) > 1:
        slugs = ", ".join(buyer.workspace.slug for buyer in found)
        message = f"several workspaces have a buyer {text!r}: choose one with --workspace ({slugs})"
        raise BuyerKeyNotMade(message)
    return found[0]


def end_of_day(day: date, *, timezone: str) -> datetime:
    """A key that expires on a day is good until that day is over for its buyer."""
    return start_of_day(day + timedelta(days=1), zone=load_zone(timezone))
