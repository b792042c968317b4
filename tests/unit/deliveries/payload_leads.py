"""Leads for tests of payloads, fixed and generated. All names and numbers are fake."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from distribution.deliveries.payloads.fields import Facts
from distribution.deliveries.payloads.lead import DeliveredLead, DeliveredSale

RECEIVED_AT: Final = datetime(2026, 1, 31, 23, 5, 9, 250000, tzinfo=UTC)
# A busy machine is no failure.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
MESSAGE_ID: Final = "01a20094-d901-71ad-ae8f-8ccbb726000e"
SALE: Final = DeliveredSale(
    assignment_id="01a20094-ffff-71ad-ae8f-000000000001",
    price_cents=4505,
    campaign="Roofing, exclusive",
    sold_at=RECEIVED_AT + timedelta(seconds=1),
)


def make_lead(**changes: Any) -> DeliveredLead:
    values: dict[str, Any] = {
        "lead_id": "01a20094-d901-71ad-ae8f-000000000002",
        "received_at": RECEIVED_AT,
        "vertical": "roofing",
        "zip": "33647",
        "buyer": "Harbor Roofing Tampa",
        "sale": SALE,
        "first_name": "Test",
        "last_name": "Person",
        "email": "test@example.invalid",
        "phone": "+15005550006",
        "address": "1 Main St",
        "city": "Tampa",
        "county": "Hillsborough County",
        "state": "FL",
        "attributes": {"roof_age": 12, "services": ["roof", "gutter"], "owner": True, "home": {"floors": 2}},
        "consent": {"given_at": "2026-01-31T23:00:00+00:00", "text": "I agree", "token": "abc"},
    }
    return DeliveredLead(**{**values, **changes})


def make_facts(**changes: Any) -> Facts:
    return Facts(lead=make_lead(**changes), message_id=MESSAGE_ID)


# Any text, also with halves of surrogate pairs and control characters, which old rows may have.
texts = st.text(st.characters(), max_size=30)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
attributes = st.dictionaries(
    st.from_regex(r"[A-Za-z0-9_]{1,12}", fullmatch=True),
    scalars | st.lists(scalars, max_size=3) | st.dictionaries(texts, scalars, max_size=3),
    max_size=6,
)
leads = st.builds(
    make_lead,
    vertical=texts,
    zip=texts,
    first_name=texts,
    last_name=texts,
    email=texts,
    phone=texts,
    address=texts,
    city=texts,
    state=texts,
    attributes=attributes,
    consent=st.dictionaries(st.sampled_from(["given_at", "text", "ip", "url", "token"]), texts),
    is_test=st.booleans(),
)
