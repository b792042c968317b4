"""Sends a test lead to an endpoint, so that a person sees the request and the raw answer. Nothing is stored.

It goes to the test URL. To the live address of a buyer it goes only if the person confirmed exactly that address.
"""

from datetime import datetime
from typing import Final

from django.utils import timezone
from uuid6 import uuid7

from distribution.deliveries.claim import Claimed
from distribution.deliveries.client import get_client
from distribution.deliveries.content import Work, read_destination
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
    """The live address that a test lead would go to. Blank: there is a test address, and nothing to confirm."""
    return "" if endpoint.test_address else endpoint.live_address


def send_test_lead(endpoint: Endpoint, *, at: datetime, confirmed_address: str = "") -> Tried:
    """Send it to the test address, or to the live one that a person confirmed. Holds no transaction.

    The endpoint is read again: its test URL may be gone since the page was shown. Raises LiveAddressNotConfirmed.
    """
    owners = Endpoint.objects.select_related("buyer", "source", "workspace")
    endpoint = owners.defer("headers", "template").get(pk=endpoint.pk)
    live_address = find_address_to_confirm(endpoint)
    if live_address not in ("", confirmed_address):
        raise LiveAddressNotConfirmed
    endpoint.timeout_seconds = min(endpoint.timeout_seconds, LONGEST_SECONDS)
    message_id = uuid7()
    claimed = Claimed(
        id=0,
        number=1,
        message_id=message_id,
        endpoint_id=endpoint.pk,
        lead_id=None,
        assignment_id=None,
        is_event=False,
        is_direct_post=False,
        is_test=True,
        created_at=at,
    )
    work = Work(
        claimed,
        read_destination(endpoint, at=at),
        make_test_lead(endpoint, at=at),
        may_go_live=live_address != "",
    )
    [tried] = try_together([work], client=get_client(), clock=timezone.now)
    return tried


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
