"""The lead as a delivery sends it. Its repr shows no personal data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from tracing import wording
from tracing.plainvalues import PlainValues, make_text

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredSale:
    """The assignment. `sold_at` is None while a direct post waits for the buyer's answer.

    `bid_id`: the buyer's id of its bid, if it won an auction.
    """

    assignment_id: str
    price_cents: int
    campaign: str
    sold_at: datetime | None = None
    bid_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DeliveredLead:
    """`buyer`: the name of the buyer that gets it. `zip3`: the part of a ZIP code that a ping may have without it."""

    lead_id: str
    received_at: datetime
    vertical: str
    zip: str
    buyer: str
    sale: DeliveredSale
    zip3: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    phone_extension: str = ""
    address: str = ""
    city: str = ""
    county: str = ""
    state: str = ""
    country: str = "US"
    attributes: Mapping[str, Any] = field(default_factory=dict)
    consent: Mapping[str, Any] = field(default_factory=dict)
    is_test: bool = False

    def __repr__(self) -> str:
        return f"DeliveredLead({self.lead_id})"

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


def write_time(at: datetime | None) -> str | None:
    return wording.utc(at) if at else None


def describe_lead(lead: DeliveredLead) -> dict[str, Any]:
    """The form of the buyers' API: a buyer reads a pushed lead and a fetched one with the same code."""
    return {
        "id": lead.lead_id,
        "received_at": write_time(lead.received_at),
        "vertical": make_plain(lead.vertical),
        **{name: make_plain(getattr(lead, name)) for name in ("zip", "city", "county", "state", "country")},
        "contact": {name: make_plain(getattr(lead, name)) for name in CONTACT},
        "attributes": make_plain(lead.attributes),
        "consent": _describe_consent(make_plain(lead.consent)),
    }


def _describe_consent(consent: dict[str, Any]) -> dict[str, Any]:
    """A time that cannot be read stays as it is stored."""
    try:
        given_at = datetime.fromisoformat(str(consent.get("given_at")))
    except ValueError:
        return consent
    return {**consent, "given_at": write_time(given_at)} if given_at.tzinfo else consent


def describe_sale(sale: DeliveredSale) -> dict[str, Any]:
    return {
        "id": sale.assignment_id,
        "price_cents": sale.price_cents,
        "campaign": make_plain(sale.campaign),
        "sold_at": write_time(sale.sold_at),
        **({"bid_id": make_plain(sale.bid_id)} if sale.bid_id else {}),
    }


CONTACT: Final = ("first_name", "last_name", "email", "phone", "phone_extension", "address")


def make_plain(value: object) -> Any:
    """A value that JSON and UTF-8 can express. A stored attribute may be infinite or have half a surrogate pair."""
    return make_text(value) if type(value) is str else PlainValues().make(value)
