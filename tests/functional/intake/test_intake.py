"""A source sends a lead, looks it up and cancels it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from routing.intake.identity import identify
from routing.models import IntakeMode, Lead, Source, Workspace
from tests.support.factories import LeadFactory, SourceFactory, issue_key

pytestmark = pytest.mark.django_db

LEADS = "/api/v1/leads/"
VALID = {"zip": "30312-1234", "email": " Ada@Example.com ", "phone": "(404) 881-2345", "vertical": "Roofing"}


@pytest.fixture
def source() -> Source:
    return SourceFactory.create()


@pytest.fixture
def client(source: Source) -> Client:
    return make_client(source)


def make_client(source: Source) -> Client:
    return Client(headers={"Authorization": f"Api-Key {issue_key(source)}"})


def post(client: Client, payload: object, **headers: str) -> Any:
    return client.post(LEADS, payload, content_type="application/json", headers=headers)


def test_lead_is_stored_pending_and_due_now(client: Client, source: Source) -> None:
    Workspace.objects.update(lead_ttl_days=30)
    response = post(client, {**VALID, "external_id": "form-1", "attributes": {"roof_age": 12}})

    lead = Lead.objects.get()
    assert (response.status_code, response["Location"]) == (201, f"{LEADS}{lead.public_id}/")
    received_at = lead.received_at.isoformat().replace("+00:00", "Z")
    assert response.json() == {
        "id": str(lead.public_id),
        "external_id": "form-1",
        "is_test": False,
        "status": "pending",
        "result": None,
        "reason": None,
        "message": None,
        "buyers": None,
        "duplicate_of": None,
        "received_at": received_at,
        "next_attempt_at": received_at,
        "warnings": [],
    }
    assert (lead.email, lead.phone, lead.vertical) == ("ada@example.com", "+14048812345", "roofing")
    assert (lead.zip, lead.city, lead.county, lead.state) == ("30312", "Atlanta", "Fulton County", "GA")
    assert (lead.status, lead.attempts, lead.due_reason, lead.skip_reason) == ("pending", 0, "ingest", "")
    assert (lead.next_attempt_at, lead.expires_at) == (
        lead.received_at,
        lead.received_at + timedelta(days=30),
    )
    assert (lead.source_id, lead.workspace_id) == (source.pk, source.workspace_id)
    assert lead.source_workspace_id == source.workspace_id
    assert lead.attributes == {"roof_age": 12}
    assert lead.public_id.version == 7


def test_identity_hashes_are_set_on_intake_and_blank_is_null(client: Client) -> None:
    """The identity is set when the lead is stored. Email and phone are separate keys, and blank is no key."""
    post(client, VALID)
    post(client, {"zip": "30312", "phone": VALID["phone"], "email": ""})
    both, phone_only = Lead.objects.order_by("id")
    assert (both.email_hash, both.phone_hash) == identify(email="ada@example.com", phone="+14048812345")
    assert (phone_only.email_hash, phone_only.phone_hash) == (None, both.phone_hash)


def test_source_sets_the_vertical_if_the_lead_names_none(client: Client) -> None:
    assert post(client, {"zip": "30312", "email": "a@example.com"}).status_code == 201
    assert Lead.objects.get().vertical == "roofing"


def test_consent_is_stored_as_proof(client: Client) -> None:
    consent = {"given_at": "2026-01-31T07:00:00-05:00", "ip": "203.0.113.7", "text": "I agree."}
    assert post(client, {**VALID, "consent": consent}).status_code == 201
    assert Lead.objects.get().consent == {
        "given_at": "2026-01-31T12:00:00+00:00",
        "ip": "203.0.113.7",
        "text": "I agree.",
    }


def test_wrong_fields_are_named_and_nothing_is_stored(client: Client) -> None:
    Source.objects.update(intake_mode=IntakeMode.STRICT)
    response = post(client, {"zip": "00000", "email": "not-an-email", "color": "red"})
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["code"] == "validation_failed"
    assert {name: [problem["code"] for problem in found] for name, found in error["fields"].items()} == {
        "zip": ["unknown"],
        "email": ["invalid"],
        "color": ["unknown_field"],
    }
    assert "not-an-email" not in response.content.decode()
    assert Lead.objects.count() == 0


def test_repeated_external_id_is_refused_with_its_lead(client: Client) -> None:
    first = post(client, {**VALID, "external_id": "form-1"}).json()
    again = post(client, {**VALID, "zip": "30313", "external_id": "form-1"})
    assert again.status_code == 409
    assert again.json()["error"] == {
        "code": "conflict",
        "message": f"This external_id was already received as lead {first['id']}.",
        "lead_id": first["id"],
    }
    other = make_client(SourceFactory.create())
    assert post(other, {**VALID, "external_id": "form-1"}).status_code == 201
    assert Lead.objects.count() == 2


def test_intake_takes_two_statements_and_no_transaction(client: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert post(client, VALID).status_code == 201
    assert [query["sql"].split()[0] for query in queries] == ["SELECT", "INSERT"]


def test_lead_columns_hold_every_accepted_value(client: Client) -> None:
    """The longest values that pass validation fit into the table."""
    longest = {
        "zip": "Z" * 20,
        "country": "GB",
        "state": "S" * 50,
        "city": "C" * 100,
        "first_name": "F" * 100,
        "last_name": "L" * 100,
        "address": "A" * 200,
        "email": f"{'e' * 64}@{'d' * 63}.{'d' * 63}.{'d' * 57}.com",
        "external_id": "X" * 100,
        "vertical": "v" * 50,
    }
    assert len(longest["email"]) == 254
    response = post(client, longest)
    assert response.status_code == 201, response.content


def test_sent_lead_can_be_looked_up_without_its_contact_fields(client: Client) -> None:
    sent = post(client, VALID)
    response = client.get(sent["Location"])
    lead = Lead.objects.get()
    assert response.status_code == 200
    assert response.json() == {
        **sent.json(),
        "vertical": "roofing",
        "zip": "30312",
        "attempts": 0,
        "expires_at": lead.expires_at.isoformat().replace("+00:00", "Z"),
        "finished_at": None,
        "cancel_reason": None,
        "verification": "",
        "verified_at": None,
    }


def test_foreign_leads_are_not_found(client: Client) -> None:
    """Every query is scoped to the caller."""
    foreign = LeadFactory.create()
    unknown = UUID("0192f0c1-2345-7abc-8def-0123456789ab")
    answers = [
        (method, client.generic(method, f"{LEADS}{public_id}/"))
        for method in ("GET", "DELETE")
        for public_id in (foreign.public_id, unknown)
    ]
    for _, answer in answers:
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "not_found"
    foreign.refresh_from_db()
    assert foreign.status == "pending"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS"])
def test_other_methods_are_refused(client: Client, source: Source, method: str) -> None:
    lead = LeadFactory.create(source=source)
    response = client.generic(method, f"{LEADS}{lead.public_id}/")
    assert response.status_code == 405
    assert response.json()["error"]["code"] == "method_not_allowed"
    assert response["Allow"] == "GET, HEAD, DELETE"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("leads/17/", "No lead has this id. Ids are UUIDs in lower case, such as 019c1f0e-"),
        ("leads/xyz/trace/", "No lead has this id."),
        ("buyer/assignments/17/", "No assignment has this id."),
        ("buyer/missed/17/", "No missed lead has this id."),
        ("leads/17/nothing/", "This path does not exist."),
        ("leads/17", "This path does not exist. Paths begin with /api/v1/ and end with a slash."),
    ],
)
def test_answer_to_a_wrong_id_names_the_id(path: str, says: str) -> None:
    answer = Client().get(f"/api/v1/{path}")
    assert answer.status_code == 404
    assert answer.json()["error"]["message"].startswith(says)


@pytest.mark.parametrize("path", ["/api/v1/leads", "/api/v1/nothing/", "/api/", "/api/v1/leads/17/"])
def test_unknown_paths_of_the_api_answer_in_json(path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    for method in ("GET", "POST", "DELETE"):
        response = client.generic(method, path)
        assert response.status_code == 404
        assert response["Content-Type"] == "application/json"
        assert response.json()["error"]["code"] == "not_found"


def test_server_error_reveals_no_details(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the response nor the log repeats the row that the database refused."""
    client.raise_request_exception = False
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE routing_lead ADD CONSTRAINT refuse_all CHECK (id < 0)")
    response = post(client, VALID)
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "internal_error"
    for text in (response.content.decode(), caplog.text):
        assert "ada@example" not in text
        assert "4048812345" not in text
    assert "23514 refuse_all" in caplog.text


@pytest.mark.parametrize("status", ["pending", "gated", "offered"])
def test_unfinished_lead_can_be_canceled(client: Client, source: Source, status: str) -> None:
    """A canceled lead must leave the schedule too."""
    due = {"next_attempt_at": None} if status == "gated" else {}
    lead = LeadFactory.create(source=source, status=status, due_reason="ingest", **due)
    response = client.delete(f"{LEADS}{lead.public_id}/?reason=sent+by+mistake")
    assert response.status_code == 200
    lead.refresh_from_db()
    assert (lead.status, lead.next_attempt_at, lead.due_reason) == ("cancelled", None, "")
    assert lead.finished_at is not None
    assert response.json()["status"] == "cancelled"
    assert response.json()["cancel_reason"] == lead.cancel_reason == "sent by mistake"

    again = client.delete(f"{LEADS}{lead.public_id}/?reason=other")
    assert (again.status_code, again.json()) == (200, response.json())


@pytest.mark.parametrize("status", ["distributed", "failed", "expired", "duplicate"])
def test_finished_lead_is_not_changed(client: Client, source: Source, status: str) -> None:
    lead = LeadFactory.create(
        source=source, status=status, next_attempt_at=None, finished_at="2026-01-31T12:00:00Z"
    )
    before = Lead.objects.values().get()
    response = client.delete(f"{LEADS}{lead.public_id}/")
    assert response.status_code == 409
    assert response.json()["error"] == {
        "code": "conflict",
        "message": f"Too late: the lead is already finished ({status}).",
        "status": status,
    }
    assert Lead.objects.values().get() == before


def test_reason_that_is_too_long_is_refused(client: Client, source: Source) -> None:
    lead = LeadFactory.create(source=source)
    response = client.delete(f"{LEADS}{lead.public_id}/?reason={'x' * 201}")
    assert response.status_code == 400
    assert [problem["code"] for problem in response.json()["error"]["fields"]["reason"]] == ["too_long"]
    lead.refresh_from_db()
    assert lead.status == "pending"


def test_accept_header_is_ignored(client: Client) -> None:
    response = post(client, VALID, Accept="text/html")
    assert (response.status_code, response["Content-Type"]) == (201, "application/json")
