"""Reads what a claimed delivery sends, and to whom: the lead, its sale, the endpoint and its secrets.

Everything is read before a request begins, so that no request holds a database connection.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.db import InterfaceError, OperationalError

from distribution.attempts.taken_back import TAKEN_BACK
from distribution.deliveries.claim import Claimed
from distribution.deliveries.event_content import read_events
from distribution.deliveries.payloads.events import DeliveredEvent
from distribution.deliveries.payloads.lead import DeliveredLead, DeliveredSale
from distribution.deliveries.payloads.signing import SigningSecret
from distribution.deliveries.secrets import read_secrets
from distribution.models import Assignment, AssignmentState, Endpoint, Method
from distribution.models.assignment import LIVE
from distribution.models.encrypted import EncryptedWithOtherKey
from routing.models import Lead

logger = logging.getLogger(__name__)

# A message whose rows do not fit together, such as an event that lacks a fact that its subscribers get.
NOT_READ: Final = "not_read"


@dataclass(frozen=True, slots=True)
class Destination:
    """`problem`: why nothing can be sent to it, as a short code; empty if it can."""

    endpoint: Endpoint
    signing: Sequence[SigningSecret]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """Everything that one try needs. `may_go_live`: a person confirmed that this test goes to the live address."""

    claimed: Claimed
    destination: Destination
    lead: DeliveredLead | None
    event: DeliveredEvent | None = None
    may_go_live: bool = False

    @property
    def endpoint(self) -> Endpoint:
        return self.destination.endpoint

    @property
    def is_for_test_address(self) -> bool:
        return self.claimed.is_test and not self.may_go_live


def read_work(claims: Sequence[Claimed], *, at: datetime) -> list[Work]:
    """One that cannot be read has that as its problem, and stops none of the others.

    Raises OperationalError and InterfaceError.
    """
    try:
        return _read_together(claims, at=at)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 - the one place that contains a failure of one message
        if len(claims) > 1:
            return [work for claimed in claims for work in read_work([claimed], at=at)]
        return [_describe_unread(claimed, error) for claimed in claims]


def _describe_unread(claimed: Claimed, error: Exception) -> Work:
    facts = {"delivery": str(claimed.message_id), "number": claimed.number, "cause": type(error).__name__}
    logger.error("deliveries.not_read", extra=facts)
    endpoint = Endpoint.objects.defer("headers", "template").get(pk=claimed.endpoint_id)
    return Work(claimed, Destination(endpoint, (), problem=NOT_READ), None)


def _read_together(claims: Sequence[Claimed], *, at: datetime) -> list[Work]:
    """A statement for leads, one for sales, a few for each endpoint, and a few if there are events."""
    destinations = {
        endpoint.pk: read_destination(endpoint, at=at)
        for endpoint in Endpoint.objects.filter(pk__in={each.endpoint_id for each in claims})
        .select_related("buyer", "source", "workspace")
        .defer("headers", "template")
    }
    leads = Lead.objects.in_bulk({each.lead_id for each in claims if each.lead_id is not None})
    sales = _read_sales(each.assignment_id for each in claims if each.assignment_id is not None)
    events = read_events(claims, endpoints={pk: each.endpoint for pk, each in destinations.items()})
    return [
        Work(
            claimed,
            _check(claimed, sales, destinations[claimed.endpoint_id]),
            _describe(claimed, leads, sales, destinations),
            events.get(claimed.id),
        )
        for claimed in claims
    ]


def _check(claimed: Claimed, sales: Mapping[int, Assignment], destination: Destination) -> Destination:
    """A sale may have been taken back since the claim."""
    sale = None if claimed.is_event or claimed.assignment_id is None else sales[claimed.assignment_id]
    if sale is not None and sale.state not in LIVE:
        return replace(destination, problem=TAKEN_BACK)
    return destination


def read_destination(endpoint: Endpoint, *, at: datetime) -> Destination:
    try:
        endpoint.refresh_from_db(fields=["headers", "template"])
        texts = read_secrets(endpoint.pk, at=at) if endpoint.method == Method.WEBHOOK else ()
    except EncryptedWithOtherKey:
        return Destination(endpoint, (), problem="secret_unreadable")
    signing = [SigningSecret.parse(text) for text in texts]
    is_unsigned = endpoint.method == Method.WEBHOOK and not signing
    return Destination(endpoint, signing, problem="no_secret" if is_unsigned else "")


def _read_sales(assignment_ids: Iterable[int]) -> dict[int, Assignment]:
    return Assignment.objects.select_related("campaign").in_bulk(set(assignment_ids))


def _describe(
    claimed: Claimed,
    leads: Mapping[int, Lead],
    sales: Mapping[int, Assignment],
    destinations: Mapping[int, Destination],
) -> DeliveredLead | None:
    if claimed.lead_id is None:
        return None
    sale = sales.get(claimed.assignment_id) if claimed.assignment_id is not None else None
    buyer = destinations[claimed.endpoint_id].endpoint.owner_name
    return describe_lead_of(leads[claimed.lead_id], sale=sale, buyer=buyer, is_test=claimed.is_test)


def describe_lead_of(lead: Lead, *, sale: Assignment | None, buyer: str, is_test: bool) -> DeliveredLead:
    """The lead as payloads see it. Without a sale, e.g. for a test, the price is 0 and the campaign is blank."""
    return DeliveredLead(
        lead_id=str(lead.public_id),
        received_at=lead.received_at,
        vertical=lead.vertical,
        zip=lead.zip,
        buyer=buyer,
        sale=_describe_sale(sale),
        first_name=lead.first_name,
        last_name=lead.last_name,
        email=lead.email,
        phone=lead.phone,
        phone_extension=lead.phone_extension,
        address=lead.address,
        city=lead.city,
        county=lead.county,
        state=lead.state,
        country=lead.country,
        attributes=lead.attributes,
        consent=lead.consent,
        is_test=is_test,
    )


def _describe_sale(sale: Assignment | None) -> DeliveredSale:
    if sale is None:
        return DeliveredSale(assignment_id="", price_cents=0, campaign="")
    is_sold = sale.state == AssignmentState.SOLD
    return DeliveredSale(
        assignment_id=str(sale.public_id),
        price_cents=sale.price_cents,
        campaign=sale.campaign.name,
        sold_at=sale.created_at if is_sold else None,
    )
