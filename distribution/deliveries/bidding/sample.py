"""Asks a ping endpoint for a bid on an invented lead, so that a person sees the request and how the answer is read.

Nothing is stored. It goes to the test URL, or to the live address that the person confirmed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from uuid6 import uuid7

from distribution.deliveries.bidding.asking import BidReply, ask
from distribution.deliveries.bidding.targets import read_target
from distribution.deliveries.client import get_client
from distribution.deliveries.payloads.answers import Answer
from distribution.deliveries.payloads.ends import Exchange
from distribution.deliveries.payloads.fields import Facts
from distribution.deliveries.payloads.pings import describe_partial
from distribution.deliveries.sample import LONGEST_SECONDS, read_confirmed
from distribution.deliveries.tried import Texts
from distribution.deliveries.trying import write_texts
from distribution.models import Endpoint

PARTIAL: Final = {
    "vertical": "roofing",
    "zip": "30312",
    "zip3": "303",
    "city": "Atlanta",
    "county": "Fulton County",
    "state": "GA",
    "country": "US",
    "attributes.note": "This is a test.",
}


@dataclass(frozen=True, slots=True)
class TestPing:
    """How the answer was read, with the request and the raw answer."""

    __test__ = False  # no test of pytest
    asked: BidReply
    texts: Texts


def send_test_ping(endpoint: Endpoint, *, at: datetime, confirmed_address: str = "") -> TestPing:
    """Holds no transaction. Raises LiveAddressNotConfirmed."""
    endpoint, may_go_live = read_confirmed(endpoint, confirmed_address)
    lead = describe_partial(
        PARTIAL,
        received_at=at,
        campaign=endpoint.campaign.name if endpoint.campaign is not None else "Test campaign",
        buyer=endpoint.owner_name,
        is_test=True,
    )
    target, facts = read_target(endpoint), Facts(lead=lead, message_id=str(uuid7()))
    seconds = min(endpoint.timeout_seconds, LONGEST_SECONDS)
    asked = ask(target, facts, client=get_client(), seconds=seconds, is_test=not may_go_live)
    return TestPing(asked, _write_texts(asked))


def _write_texts(asked: BidReply) -> Texts:
    if asked.request is None or asked.result is None:
        return Texts()
    result = asked.result
    exchange = Exchange(
        is_sent=result.is_sent,
        status_code=result.status,
        answer=Answer(result.find_header("content-type"), result.body, is_cut=result.is_body_cut),
    )
    return write_texts(asked.request, exchange, result)
