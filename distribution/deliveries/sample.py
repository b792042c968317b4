"""Sends a test lead or a test event, so that a person sees the request and the raw answer. Nothing is stored.

It goes to the test URL. To the live address of a buyer it goes only if the person confirmed exactly that address.
"""

from datetime import datetime
from typing import Final

from django.utils import timezone
from uuid6 import uuid7

from distribution.deliveries.claim import Claimed
from distribution.deliveries.client import get_client
from distribution.deliveries.content import Work
from distribution.deliveries.destinations import read_destination
from distribution.deliveries.event_content import audience_of
from distribution.deliveries.payloads.catalog import make_example_data
from distribution.deliveries.payloads.events import DeliveredEvent
from distribution.deliveries.payloads.lead import DeliveredLead, DeliveredSale
from distribution.deliveries.tried import Tried
from distribution.deliveries.trying import try_together
from distribution.models import Endpoint

# A person waits for the page.
LONGEST_SECONDS: Final = 20
PRICE_CENTS: Final = 2_500


class LiveAddressNotConfirmed(Exception):
    """Nothing was sent: the endpoint has no test address, and its live address is another than was confirmed."""


def find_address_to_confirm(endpoint: Endpoint) -> str:
    """The live address that a test would go to. Blank: there is a test address, and nothing to confirm."""
    return "" if endpoint.test_address else endpoint.live_address


def send_test_lead(
    endpoint: Endpoint, *, at: datetime, confirmed_address: str = "", longest_seconds: int = LONGEST_SECONDS
) -> Tried:
    """Send it to the test address, or to the live one that a person confirmed. Holds no transaction.

    Raises LiveAddressNotConfirmed.
    """
    endpoint, may_go_live = read_confirmed(endpoint, confirmed_address)
    endpoint.timeout_seconds = min(endpoint.timeout_seconds, longest_seconds)
    destination = read_destination(endpoint, at=at)
    claimed = _claim(endpoint, at=at, is_event=False)
    return _try(Work(claimed, destination, make_test_lead(endpoint, at=at), may_go_live=may_go_live))


def send_test_event(subscription: Endpoint, *, kind: str, at: datetime, confirmed_address: str = "") -> Tried:
    """Send an invented event of this kind, which its owner must be able to have. Holds no transaction.

    Raises LiveAddressNotConfirmed.
    """
    subscription, may_go_live = read_confirmed(subscription, confirmed_address)
    destination = read_destination(subscription, at=at)
    claimed = _claim(subscription, at=at, is_event=True)
    event = make_test_event(subscription, kind=kind, at=at)
    return _try(Work(claimed, destination, None, event, may_go_live=may_go_live))


def read_confirmed(endpoint: Endpoint, confirmed_address: str) -> tuple[Endpoint, bool]:
    """The endpoint as it is now, and whether its live address may be used.

    It is read again: its test URL may be gone since the page was shown.
    """
    owners = Endpoint.objects.select_related("buyer", "source", "workspace")
    endpoint = owners.defer("headers", "template").get(pk=endpoint.pk)
    live_address = find_address_to_confirm(endpoint)
    if live_address not in ("", confirmed_address):
        raise LiveAddressNotConfirmed
    endpoint.timeout_seconds = min(endpoint.timeout_seconds, LONGEST_SECONDS)
    return endpoint, live_address != ""


def _claim(endpoint: Endpoint, *, at: datetime, is_event: bool) -> Claimed:
    return Claimed(
        id=0,
        number=1,
        message_id=uuid7(),
        endpoint_id=endpoint.pk,
        lead_id=None,
        assignment_id=None,
        is_event=is_event,
        is_direct_post=False,
        is_test=True,
        created_at=at,
    )


def _try(work: Work) -> Tried:
    [tried] = try_together([work], client=get_client(), clock=timezone.now)
    return tried


def make_test_event(subscription: Endpoint, *, kind: str, at: datetime) -> DeliveredEvent:
    """The example of the catalog: its ids belong to nothing."""
    audience = audience_of(subscription)
    buyer = {} if subscription.buyer is None else {"buyer": subscription.buyer.name}
    return DeliveredEvent(
        event_id=str(uuid7()),
        kind=kind,
        at=at,
        data=make_example_data(kind, audience),
        names=buyer,
        is_test=True,
    )


def make_test_lead(endpoint: Endpoint, *, at: datetime) -> DeliveredLead:
    """A person who does not exist, with a number and an address that nobody can have."""
    campaign = endpoint.campaign.name if endpoint.campaign is not None else "Test campaign"
    return DeliveredLead(
        lead_id=str(uuid7()),
        received_at=at,
        vertical="roofing",
        zip="30312",
        buyer=endpoint.owner_name,
        sale=DeliveredSale(
            assignment_id=str(uuid7()), price_cents=PRICE_CENTS, campaign=campaign, sold_at=at
        ),
        first_name="Test",
        last_name="Lead",
        email="test@example.com",
        phone="+15005550006",
        address="1 Test Street",
        city="Atlanta",
        county="Fulton County",
        state="GA",
        attributes={"note": "This is a test lead. Do not contact this person."},
        is_test=True,
    )
