"""Subscribers of events, and what they were sent."""

import json
from typing import Any

from django.utils import timezone
from standardwebhooks import Webhook

from distribution.deliveries.claim import claim_due
from distribution.deliveries.content import read_work
from distribution.models import Buyer, Delivery, Event, Subscription
from routing.models import Source, Workspace
from tests.support.buyer_system import BuyerSystem
from tests.support.delivering import sign
from tests.support.factories import SubscriptionFactory


def subscribe(owner: Buyer | Source | Workspace, *events: str, **fields: Any) -> Subscription:
    """To all events that it may have, unless named."""
    name = {Buyer: "buyer", Source: "source", Workspace: "workspace"}[type(owner)]
    chosen = {"events": list(events)} if events else {}
    made: Subscription = SubscriptionFactory(**{name: owner, **chosen, **fields})
    if made.method == "webhook":
        sign(made)
    return made


def kinds_of(subscription: Subscription) -> list[str]:
    """In the order in which they happened."""
    sent = Delivery.objects.filter(endpoint_id=subscription.pk).select_related("event").order_by("pk")
    return [each.event.kind for each in sent if each.event is not None]


def data_of(subscription: Subscription, kind: str) -> dict[str, Any]:
    """What the subscriber gets of its only event of this kind. Leaves the deliveries claimed."""
    works = read_work(claim_due(limit=100), at=timezone.now())
    [event] = [
        work.event
        for work in works
        if work.event is not None and (work.endpoint.pk, work.event.kind) == (subscription.pk, kind)
    ]
    return dict(event.data)


def verified(system: BuyerSystem, *, secret: str) -> list[dict[str, Any]]:
    """What it was asked, verified by the library of Standard Webhooks."""
    return [Webhook(secret).verify(each.body, dict(each.headers)) for each in system.asked]


def read_facts() -> list[dict[str, Any]]:
    return [json.loads(json.dumps(each.facts)) for each in Event.objects.order_by("id")]
