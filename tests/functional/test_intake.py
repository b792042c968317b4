"""The journey of a source: it sends leads, looks them up and cancels them."""

from typing import Any

import pytest
from django.test import Client

from routing.identity import identify
from routing.models import Lead
from tests.factories import SourceFactory, issue_key

pytestmark = pytest.mark.django_db

LEADS = "/api/v1/leads/"
VALID = {"zip": "30312", "email": " Ada@Example.com ", "phone": "(404) 881-2345", "vertical": "Roofing"}


@pytest.fixture
def client() -> Client:
    return Client(headers={"Authorization": f"Api-Key {issue_key(SourceFactory())}"})


def post(client: Client, payload: object, **headers: str) -> Any:
    return client.post(LEADS, payload, content_type="application/json", headers=headers)


def test_a_lead_is_stored_pending_and_due_now(client: Client) -> None:
    response = post(client, VALID)

    assert response.status_code == 201, response.content
    lead = Lead.objects.get()
    assert response.json()["id"] == str(lead.public_id)
    assert response["Location"] == f"{LEADS}{lead.public_id}/"
    assert (lead.email, lead.phone, lead.vertical) == ("ada@example.com", "+14048812345", "roofing")
    assert (lead.status, lead.attempts, lead.due_reason) == ("pending", 0, "ingest")
    assert lead.next_attempt_at == lead.received_at
    assert (lead.email_hash, lead.phone_hash) == identify(email=lead.email, phone=lead.phone)
