"""Reads what a claimed delivery sends, and to whom: the lead, its sale, the endpoint and its secrets.

Everything is read before a request begins, so that no request holds a database connection.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection
from psycopg.pq import Format

from distribution.attempts.taken_back import TAKEN_BACK
from distribution.deliveries.claim import Claimed
from distribution.deliveries.destinations import Destination, Destinations
from distribution.deliveries.event_content import read_events
from distribution.deliveries.payloads.events import DeliveredEvent
from distribution.deliveries.payloads.lead import DeliveredLead, DeliveredSale
from distribution.models import AssignmentState, Endpoint
from distribution.models.assignment import LIVE
from distribution.sql_arrays import array_literal
from routing.values.attributes import read_stored
from tracing.plainvalues import PlainValues

logger = logging.getLogger(__name__)

# SQL, because every message runs it: of Django's lead and sale most columns would be read for nothing.
CONTENT: Final = """
SELECT d.id, l.public_id, l.received_at, l.vertical, l.zip, l.first_name, l.last_name, l.email, l.phone,
    l.phone_extension, l.address, l.city, l.county, l.state, l.country, l.attributes::text, l.consent::text,
    s.public_id, s.price_cents, s.state, COALESCE(s.settled_at, s.created_at), c.name, (
        SELECT b.bid_id FROM distribution_offer o JOIN distribution_offerbuyer b ON b.offer_id = o.id
        WHERE o.lead_id = s.lead_id AND o.kind = 'auction' AND b.buyer_id = s.buyer_id ORDER BY o.id DESC LIMIT 1
    )
FROM unnest(%s::bigint[]) AS w(id)
JOIN distribution_delivery d ON d.id = w.id
JOIN routing_lead l ON l.id = d.lead_id
LEFT JOIN distribution_assignment s ON s.id = d.assignment_id
LEFT JOIN distribution_campaign c ON c.id = s.campaign_id
"""
NO_SALE: Final = DeliveredSale(assignment_id="", price_cents=0, campaign="")
# A message whose rows do not fit together, such as an event that lacks a fact that its subscribers get.
NOT_READ: Final = "not_read"


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


def read_work(
    claims: Sequence[Claimed], *, at: datetime, destinations: Destinations | None = None
) -> list[Work]:
    """One that cannot be read has that as its problem, and stops none of the others.

    Raises OperationalError and InterfaceError.
    """
    destinations = destinations or Destinations()
    try:
        return _read_together(claims, destinations, at=at)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 - the one place that contains a failure of one message
        if len(claims) > 1:
            return [
                work for claimed in claims for work in read_work([claimed], at=at, destinations=destinations)
            ]
        return [_describe_unread(claimed, error) for claimed in claims]


def _describe_unread(claimed: Claimed, error: Exception) -> Work:
    facts = {"delivery": str(claimed.message_id), "number": claimed.number, "cause": type(error).__name__}
    logger.error("deliveries.not_read", extra=facts)
    endpoint = Endpoint.objects.defer("headers", "template").get(pk=claimed.endpoint_id)
    return Work(claimed, Destination(endpoint, (), problem=NOT_READ), None)


def _read_together(claims: Sequence[Claimed], destinations: Destinations, *, at: datetime) -> list[Work]:
    """A statement for leads and sales, a few for each endpoint that `destinations` does not know, and for events."""
    found = destinations.find(claims, at=at)
    rows = _read_rows([each.id for each in claims if each.lead_id is not None])
    events = read_events(claims, endpoints={pk: each.endpoint for pk, each in found.items()})
    return [
        _make_work(
            claimed, found[claimed.endpoint_id], row=rows.get(claimed.id), event=events.get(claimed.id)
        )
        for claimed in claims
    ]


def _make_work(
    claimed: Claimed, destination: Destination, *, row: "_Row | None", event: DeliveredEvent | None
) -> Work:
    """A sale may have been taken back since the claim."""
    if row is None:
        return Work(claimed, destination, None, event)
    if row.is_taken_back and not claimed.is_event:
        destination = replace(destination, problem=TAKEN_BACK)
    lead = row.describe(buyer=destination.endpoint.owner_name, is_test=claimed.is_test)
    return Work(claimed, destination, lead, event)


def _read_rows(delivery_ids: Sequence[int]) -> Mapping[int, "_Row"]:
    if not delivery_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY  # as text the driver reads times with a regular expression
        cursor.execute(CONTENT, [array_literal(delivery_ids)])
        rows = map(_Row._make, cursor.fetchall())
        return {row.delivery_id: row for row in rows}


class _Row(NamedTuple):
    """One row of CONTENT, in the order of its columns. Without a sale, e.g. for a test, the last six are None."""

    delivery_id: int
    lead_id: UUID
    received_at: datetime
    vertical: str
    zip: str
    first_name: str
    last_name: str
    email: str
    phone: str
    phone_extension: str
    address: str
    city: str
    county: str
    state: str
    country: str
    attributes: str
    consent: str
    assignment_id: UUID | None
    price_cents: int | None
    sale_state: str | None
    settled_at: datetime | None
    campaign: str | None
    bid_id: str | None

    @property
    def is_taken_back(self) -> bool:
        return self.sale_state is not None and self.sale_state not in LIVE

    def describe(self, *, buyer: str, is_test: bool) -> DeliveredLead:
        """The lead as payloads see it."""
        return DeliveredLead(
            lead_id=str(self.lead_id),
            received_at=self.received_at,
            vertical=self.vertical,
            zip=self.zip,
            buyer=buyer,
            sale=self._describe_sale(),
            first_name=self.first_name,
            last_name=self.last_name,
            email=self.email,
            phone=self.phone,
            phone_extension=self.phone_extension,
            address=self.address,
            city=self.city,
            county=self.county,
            state=self.state,
            country=self.country,
            attributes=PlainValues().make_object(read_stored(self.attributes)),
            consent=read_stored(self.consent),
            is_test=is_test,
        )

    def _describe_sale(self) -> DeliveredSale:
        if self.assignment_id is None:
            return NO_SALE
        return DeliveredSale(
            assignment_id=str(self.assignment_id),
            price_cents=self.price_cents or 0,
            campaign=self.campaign or "",
            bid_id=self.bid_id or "",
            sold_at=self.settled_at if self.sale_state == AssignmentState.SOLD else None,
        )
