"""Ping endpoints that speak as the ping trees of the trade do: by a template and the paths of the answer alone."""

from typing import Any, Final
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import pytest

from tests.receivers.running import Receiver
from tests.support.auctions import asking, auction_campaign, auctioned_lead, bidder, bids_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("committed_db")

PATIENT_MS: Final = 10_000
# As boberdoo: form fields in, XML out.
FORM_AND_XML: Final = {
    "body_format": "form",
    "template": {
        "Key": "fake",
        "API_Action": "pingPostLead",
        "Mode": "ping",
        "TYPE": {"field": "vertical", "map": {"roofing": 33}, "otherwise": 99},
        "Zip": "zip",
        "State": "state",
        "Roof_Age": "attributes.roof_age",
        "Test_Lead": {"field": "is_test", "map": {"true": "1", "false": "0"}},
        "Format": "XML",
    },
    "answer_format": "xml",
    "accept_term": "Matched",
    "accept_path": "/response/status",
    "price_path": "/response/best_bid",
    "bid_id_path": "/response/lead_id",
    "reason_path": "/response/unmatched_reason",
}
# As LeadConduit: 201 for every ping, and the outcome in the body.
OUTCOME: Final = {
    "accept_term": "success",
    "accept_path": "outcome",
    "price_path": "price",
    "bid_id_path": "lead.id",
    "reason_path": "reason",
}
# Some take XML as well.
XML_BODY: Final = {
    **OUTCOME,
    "body_format": "xml",
    "template": {"ping.zip": "zip", "ping.lead.@type": "vertical", "ping.lead.age": "attributes.roof_age"},
}


def bid_once(receiver: Receiver, behavior: str, **endpoint: Any) -> tuple[Any, str]:
    """What became of the buyer in an auction, and the body that its system got."""
    campaign = auction_campaign(
        bid_deadline_ms=PATIENT_MS, offer_fields=["vertical", "zip", "state", "attributes.roof_age"]
    )
    asked = bidder(campaign, url=receiver.url(behavior), endpoint=endpoint)
    lead = auctioned_lead(campaign, first_name="Maria", email="maria@example.com", phone="+14045550123")
    with asking():
        wait_until(lambda: bids_of(lead, "bid_outcome")[asked.buyer_id] != "", what="the answer")
    [received] = receiver.received()
    body = str(received.body)
    assert "Maria" not in body
    found = bids_of(lead, "bid_outcome", "bid_cents", "bid_id", "bid_reason")[asked.buyer_id]
    return found, body


def test_form_fields_are_answered_in_xml(receiver: Receiver) -> None:
    found, body = bid_once(receiver, "bid-xml/45.50", **FORM_AND_XML)

    assert found == ["bid", 4_550, "L-45.50", ""]
    assert dict(parse_qsl(body)) == {
        "Key": "fake",
        "API_Action": "pingPostLead",
        "Mode": "ping",
        "TYPE": "33",
        "Zip": "30312",
        "State": "GA",
        "Roof_Age": "12",
        "Test_Lead": "0",
        "Format": "XML",
    }


def test_unmatched_lead_is_no_bid_with_its_reason(receiver: Receiver) -> None:
    found, _ = bid_once(receiver, "bid-xml/", **FORM_AND_XML)
    assert found == ["no_bid", None, "", "No buyer in this area"]


def test_wrong_key_is_no_bid_and_not_a_match(receiver: Receiver) -> None:
    """The answer is 200 all the same."""
    template = {**FORM_AND_XML["template"], "Key": "other"}  # type: ignore[dict-item] # it is a template
    found, _ = bid_once(receiver, "bid-xml/45.50", **{**FORM_AND_XML, "template": template})
    assert found[:2] == ["no_bid", None]


@pytest.mark.parametrize("settings", [OUTCOME, XML_BODY], ids=["json", "xml"])
def test_outcome_in_the_body_counts_and_not_the_status(receiver: Receiver, settings: dict[str, Any]) -> None:
    found, body = bid_once(receiver, "bid-outcome/12.00", **settings)
    assert found == ["bid", 1_200, "C-12.00", ""]
    if settings is XML_BODY:
        ping = ElementTree.fromstring(body)  # noqa: S314 - it is ours
        assert (ping.tag, ping.findtext("zip"), ping.find("lead").attrib) == (  # type: ignore[union-attr]
            "ping",
            "30312",
            {"type": "roofing"},
        )


def test_refusal_with_status_201_is_no_bid(receiver: Receiver) -> None:
    found, _ = bid_once(receiver, "bid-outcome/", **OUTCOME)
    assert found == ["no_bid", None, "", "duplicate"]
