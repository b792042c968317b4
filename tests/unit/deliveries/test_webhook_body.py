"""The body of a signed webhook: its shape, its size, and values that JSON lacks."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distribution.deliveries.payloads.lead import DeliveredLead
from distribution.deliveries.payloads.webhook import LARGEST_BODY, PayloadTooLarge, write_event, write_lead
from tests.unit.deliveries.payload_leads import RECEIVED_AT, attributes, leads, make_lead, patient, texts

EVENT_ID = "01a20094-ffff-71ad-ae8f-000000000009"
AT = RECEIVED_AT + timedelta(seconds=2)
FULL = {f"key_{number}": "é" * 1_000 for number in range(100)}


def test_body_of_a_lead() -> None:
    assert json.loads(write_lead(make_lead(), at=AT)) == {
        "type": "lead.delivery",
        "timestamp": "2026-01-31T23:05:11.250000Z",
        "data": {
            "is_test": False,
            "assignment": {
                "id": "01a20094-ffff-71ad-ae8f-000000000001",
                "price_cents": 4505,
                "campaign": "Roofing, exclusive",
                "sold_at": "2026-01-31T23:05:10.250000Z",
            },
            "lead": {
                "id": "01a20094-d901-71ad-ae8f-000000000002",
                "received_at": "2026-01-31T23:05:09.250000Z",
                "vertical": "roofing",
                "zip": "33647",
                "city": "Tampa",
                "county": "Hillsborough County",
                "state": "FL",
                "country": "US",
                "contact": {
                    "first_name": "Test",
                    "last_name": "Person",
                    "email": "test@example.invalid",
                    "phone": "+15005550006",
                    "phone_extension": "",
                    "address": "1 Main St",
                },
                "attributes": {
                    "roof_age": 12,
                    "services": ["roof", "gutter"],
                    "owner": True,
                    "home": {"floors": 2},
                },
                "consent": {"given_at": "2026-01-31T23:00:00Z", "text": "I agree", "token": "abc"},
            },
            "omitted": [],
        },
    }


@patient
@given(lead=leads)
def test_every_lead_is_small_valid_json(lead: DeliveredLead) -> None:
    body = write_lead(lead, at=AT)
    assert len(body) <= LARGEST_BODY
    data = json.loads(body.decode(), parse_constant=pytest.fail)["data"]
    assert data["lead"]["id"] == lead.lead_id
    assert data["omitted"] == []


def test_attributes_are_omitted_first() -> None:
    body = write_lead(make_lead(attributes=FULL), at=AT)
    data = json.loads(body)["data"]
    assert data["omitted"] == ["lead.attributes"]
    assert data["lead"]["attributes"] is None
    assert data["lead"]["consent"]["text"] == "I agree"
    assert len(body) <= LARGEST_BODY


def test_consent_is_omitted_if_it_is_too_large_itself() -> None:
    consent = {"text": "\N{GRINNING FACE}" * 4_000, "url": "https://example.com/" + "é" * 2_000}
    data = json.loads(write_lead(make_lead(attributes=FULL, consent=consent), at=AT))["data"]
    assert data["omitted"] == ["lead.attributes", "lead.consent"]
    assert data["lead"]["consent"] is None
    assert data["lead"]["contact"]["email"] == "test@example.invalid"


def test_columns_alone_fit() -> None:
    """The longest values of the columns, with characters that JSON writes with six bytes."""
    lengths = {"first_name": 100, "last_name": 100, "email": 254, "phone": 16, "phone_extension": 15}
    lengths |= {
        "address": 200,
        "zip": 20,
        "city": 100,
        "county": 100,
        "state": 50,
        "country": 2,
        "vertical": 50,
    }
    lead = make_lead(attributes=FULL, **{name: "\x01" * length for name, length in lengths.items()})
    assert len(write_lead(lead, at=AT)) <= LARGEST_BODY


def test_direct_post_is_not_sold_yet() -> None:
    lead = make_lead()
    held = make_lead(sale=type(lead.sale)(assignment_id="a", price_cents=1, campaign="c"))
    assert json.loads(write_lead(held, at=AT))["data"]["assignment"]["sold_at"] is None


@patient
@given(kind=st.sampled_from(["cap.reached", "wallet.low"]), data=attributes)
def test_event_keeps_its_type_and_time(kind: str, data: dict[str, object]) -> None:
    event = json.loads(write_event(kind, event_id=EVENT_ID, at=AT, data=data).decode())
    assert (event["id"], event["type"]) == (EVENT_ID, kind)
    assert event["timestamp"] == "2026-01-31T23:05:11.250000Z"
    assert event["data"].keys() == {"is_test", *data}
    assert event["data"]["is_test"] is False


def test_largest_event_is_sent_and_one_byte_more_is_refused() -> None:
    body = write_event(
        "cap.reached", event_id=EVENT_ID, at=AT, data={"text": "aaaaaaaaa", "more": ["a" * 9_000] * 2}
    )
    filling = LARGEST_BODY - len(body)
    parts = ["a" * 9_000, "a" * 9_000]
    exact = write_event(
        "cap.reached", event_id=EVENT_ID, at=AT, data={"text": "a" * (9 + filling), "more": parts}
    )
    assert len(exact) == LARGEST_BODY
    with pytest.raises(PayloadTooLarge, match="the body has 20000 bytes, more than 19999"):
        write_event(
            "cap.reached", event_id=EVENT_ID, at=AT, data={"text": "a" * (10 + filling), "more": parts}
        )


@patient
@given(lead=leads, other=texts)
def test_repr_of_a_lead_has_only_its_id(lead: DeliveredLead, other: str) -> None:
    assert repr(make_lead(first_name=other)) == repr(lead) == f"DeliveredLead({lead.lead_id})"
