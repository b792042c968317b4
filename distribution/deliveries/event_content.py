"""Reads events for their deliveries, and leaves of each what the owner of the subscription may have."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from distribution.deliveries.claim import Claimed
from distribution.deliveries.payloads.catalog import CATALOG, Audience
from distribution.deliveries.payloads.events import DeliveredEvent
from distribution.deliveries.payloads.lead import write_time
from distribution.models import Assignment, Buyer, Campaign, Delivery, Endpoint, Event
from routing.intake.markers import show_external_id
from routing.models import Lead

TIMES: Final = ("period_starts_at",)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows that the events name."""

    leads: Mapping[int, Lead]
    sales: Mapping[int, Assignment]
    buyers: Mapping[int, Buyer]
    campaigns: Mapping[int, Campaign]


def audience_of(endpoint: Endpoint) -> Audience:
    if endpoint.buyer_id is not None:
        return "buyer"
    return "workspace" if endpoint.source_id is None else "source"


def read_events(claims: Sequence[Claimed], *, endpoints: Mapping[int, Endpoint]) -> dict[int, DeliveredEvent]:
    """By id of the delivery. No statement if no claim is of an event."""
    claimed = {each.id: endpoints[each.endpoint_id] for each in claims if each.is_event}
    if not claimed:
        return {}
    event_ids = dict(Delivery.objects.filter(pk__in=claimed).values_list("pk", "event_id"))
    events = Event.objects.in_bulk([each for each in event_ids.values() if each is not None])
    rows = _read_rows(events.values())
    return {
        delivery_id: describe_event(events[event_id], rows, audience=audience_of(claimed[delivery_id]))
        for delivery_id, event_id in event_ids.items()
        if event_id is not None
    }


def _read_rows(events: Iterable[Event]) -> _Rows:
    named = list(events)
    return _Rows(
        leads=Lead.objects.only("public_id", "external_id", "is_test", "source")
        .select_related("source")
        .in_bulk({each.lead_id for each in named if each.lead_id is not None}),
        sales=Assignment.objects.in_bulk({each.assignment_id for each in named if each.assignment_id}),
        buyers=Buyer.objects.in_bulk({each.buyer_id for each in named if each.buyer_id is not None}),
        campaigns=Campaign.objects.in_bulk({each.campaign_id for each in named if each.campaign_id}),
    )


def describe_event(event: Event, rows: _Rows, *, audience: Audience) -> DeliveredEvent:
    known, names = _list_known(event, rows), CATALOG[event.kind].data[audience]
    return DeliveredEvent(
        event_id=str(event.pk),
        kind=event.kind,
        at=event.happened_at,
        data={name: known[name] for name in names},
        names={} if audience == "source" else _list_names(event, rows),
    )


def _list_known(event: Event, rows: _Rows) -> dict[str, Any]:
    """All that any audience gets."""
    known = {
        name: write_time(datetime.fromisoformat(value)) if name in TIMES else value
        for name, value in event.facts.items()
    }
    if event.lead_id is not None:
        lead = rows.leads[event.lead_id]
        known |= {
            "lead_id": str(lead.public_id),
            "external_id": show_external_id(lead.external_id, is_test=lead.is_test),
            "source_id": str(lead.source.public_id),
        }
    if event.assignment_id is not None:
        sale = rows.sales[event.assignment_id]
        known |= {"assignment_id": str(sale.public_id), "price_cents": sale.price_cents}
    if event.buyer_id is not None:
        known["buyer_id"] = str(rows.buyers[event.buyer_id].public_id)
    if event.campaign_id is not None:
        known["campaign_id"] = str(rows.campaigns[event.campaign_id].public_id)
    return known


def _list_names(event: Event, rows: _Rows) -> dict[str, str]:
    """A buyer's event has its own name and that of a campaign, which its API shows as well."""
    buyer = {} if event.buyer_id is None else {"buyer": rows.buyers[event.buyer_id].name}
    campaign = {} if event.campaign_id is None else {"campaign": rows.campaigns[event.campaign_id].name}
    return {**buyer, **campaign}
