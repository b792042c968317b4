"""A partner sends many leads at once, and each is accepted or refused on its own."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from routing.models import Lead
from tests.support.factories import SourceFactory, issue_key

pytestmark = pytest.mark.django_db

BATCH = "/api/v1/leads/batch/"
VALID = {"zip": "30312", "email": "ada@example.com"}


@pytest.fixture
def client() -> Client:
    return Client(headers={"Authorization": f"Api-Key {issue_key(SourceFactory.create())}"})


def post(client: Client, payload: object) -> Any:
    return client.post(BATCH, payload, content_type="application/json")


def test_each_lead_has_its_result_in_order(client: Client) -> None:
    first = post(client, {"leads": [{**VALID, "external_id": "a"}]}).json()["results"][0]["id"]
    response = post(
        client,
        {
            "leads": [
                {**VALID, "external_id": "b"},
                {"zip": "1", "email": "ada@example.com"},
                "no object",
                {**VALID, "external_id": "a"},
                {**VALID, "external_id": "b", "zip": "30313"},
                VALID,
            ]
        },
    )
    assert response.status_code == 200
    body = response.json()
    assert (body["accepted"], body["rejected"]) == (2, 4)
    results = body["results"]
    assert [result["index"] for result in results] == [0, 1, 2, 3, 4, 5]
    assert [result["status"] for result in results] == ["accepted", *["rejected"] * 4, "accepted"]
    ids = {lead.external_id: str(lead.public_id) for lead in Lead.objects.all()}
    assert (results[0]["id"], results[5]["id"]) == (ids["b"], ids[""])
    assert list(results[1]["error"]["fields"]) == ["zip"]
    assert results[2]["error"]["fields"]["non_field_errors"][0]["code"] == "invalid_type"
    assert (results[3]["error"]["code"], results[3]["error"]["lead_id"]) == ("conflict", first)
    # Of two leads with one external_id in a batch, the first is stored.
    assert results[4]["error"]["lead_id"] == ids["b"]
    assert Lead.objects.get(external_id="b").zip == "30312"
    assert Lead.objects.count() == 3


def test_thousand_leads_are_stored_with_one_insert(client: Client) -> None:
    leads = [{**VALID, "email": f"a{number}@example.com"} for number in range(1_000)]
    with CaptureQueriesContext(connection) as queries:
        response = post(client, {"leads": leads})
    assert (response.status_code, response.json()["accepted"]) == (200, 1_000)
    assert [query["sql"].split()[0] for query in queries] == ["SELECT", "INSERT"]
    emails = [f"a{number}@example.com" for number in range(1_000)]
    assert list(Lead.objects.order_by("id").values_list("email", flat=True)) == emails


@pytest.mark.parametrize(
    ("payload", "name", "code"),
    [
        ({"leads": [VALID] * 1_001}, "leads", "too_many"),
        ({"leads": []}, "leads", "too_few"),
        ({}, "leads", "required"),
        ({"leads": {"0": VALID}}, "leads", "invalid_type"),
        ({"leads": [VALID], "more": 1}, "more", "unknown_field"),
        ({"leads": [VALID], "more": 1, "and": 2}, "non_field_errors", "unknown_field"),
        ([VALID], "non_field_errors", "invalid_type"),
    ],
)
def test_malformed_batch_is_refused_whole(client: Client, payload: Any, name: str, code: str) -> None:
    response = post(client, payload)
    assert response.status_code == 400
    assert {key: found[0]["code"] for key, found in response.json()["error"]["fields"].items()} == {
        name: code
    }
    assert Lead.objects.count() == 0


def test_batch_without_valid_leads_is_answered(client: Client) -> None:
    response = post(client, {"leads": [{}, None, 5]})
    assert (response.status_code, response.json()["rejected"]) == (200, 3)
