"""A source that got no answer sends its request again."""

import json
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from routing.intake.idempotency import KEPT_HOURS
from routing.models import IdempotencyRecord, Lead, Source
from routing.tasks import forget_idempotency_keys
from tests.support.factories import CampaignFactory, SourceFactory, enroll, issue_key

pytestmark = pytest.mark.django_db

LEADS = "/api/v1/leads/"
BATCH = "/api/v1/leads/batch/"
VALID = {"zip": "30312", "email": "ada@example.com"}


@pytest.fixture
def source() -> Source:
    return SourceFactory.create()


@pytest.fixture
def client(source: Source) -> Client:
    return Client(headers={"Authorization": f"Api-Key {issue_key(source)}"})


def post(client: Client, payload: object, *, key: str, url: str = LEADS, **headers: str) -> Any:
    return client.post(
        url, payload, content_type="application/json", headers={"Idempotency-Key": key, **headers}
    )


def test_repeat_gets_the_first_answer_and_stores_nothing(client: Client, source: Source) -> None:
    first = post(client, VALID, key="k1")
    again = post(client, VALID, key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again["Location"] == first["Location"]
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert Lead.objects.count() == 1
    record = IdempotencyRecord.objects.get()
    assert (record.owner_id, record.route, record.key) == (source.public_id, "leads", "k1")
    assert record.workspace_id == source.workspace_id
    assert record.fingerprint == sha256(b'{"email":"ada@example.com","zip":"30312"}').hexdigest()


def test_another_body_under_the_same_key_is_refused(client: Client) -> None:
    post(client, VALID, key="k1")
    other = post(client, {**VALID, "zip": "30313"}, key="k1")
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert Lead.objects.count() == 1


def test_keys_are_separate_by_route_and_source(client: Client, source: Source) -> None:
    """Two forms of one workspace number their requests alike. Neither loses its lead to the other."""
    first = post(client, VALID, key="k1")
    assert post(client, {"leads": [VALID]}, key="k1", url=BATCH).status_code == 200
    for stranger in (SourceFactory(workspace=source.workspace), SourceFactory()):
        answer = post(Client(headers={"Authorization": f"Api-Key {issue_key(stranger)}"}), VALID, key="k1")
        assert (answer.status_code, "Idempotency-Replayed" in answer) == (201, False)
        assert Lead.objects.get(public_id=answer.json()["id"]).source == stranger
        assert answer.json()["id"] != first.json()["id"]
    assert Lead.objects.count() == 4


def test_second_key_of_a_source_repeats_a_request_of_the_first(client: Client, source: Source) -> None:
    """A retry after a key was replaced: the source is the same."""
    first = post(client, VALID, key="k1")
    again = post(Client(headers={"Authorization": f"Api-Key {issue_key(source)}"}), VALID, key="k1")

    assert (again.json(), again["Idempotency-Replayed"]) == (first.json(), "true")
    assert Lead.objects.count() == 1


@pytest.mark.parametrize("url", [LEADS, BATCH])
def test_order_of_keys_and_white_space_do_not_matter(client: Client, url: str) -> None:
    lead = {"email": "ada@example.com", "zip": "30312", "attributes": {"a": 1, "b": [{"c": 2, "d": 3}]}}
    turned = {"attributes": {"b": [{"d": 3, "c": 2}], "a": 1}, "zip": "30312", "email": "ada@example.com"}
    bodies = [json.dumps(each if url == LEADS else {"leads": [each]}, indent=2) for each in (lead, turned)]
    assert bodies[0] != bodies[1]

    first, again = (post(client, body, key="k1", url=url) for body in bodies)

    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again["Idempotency-Replayed"] == "true"
    other = bodies[0].replace("2", "4")
    assert post(client, other, key="k1", url=url).status_code == 422


def test_order_of_a_list_matters(client: Client) -> None:
    assert post(client, {**VALID, "attributes": {"a": [1, 2]}}, key="k1").status_code == 201
    assert post(client, {**VALID, "attributes": {"a": [2, 1]}}, key="k1").status_code == 422


def test_record_of_the_previous_version_is_repeated(client: Client) -> None:
    """It has the digest of the body's bytes."""
    first = post(client, VALID, key="k1")
    digest = sha256(json.dumps(VALID).encode()).hexdigest()
    IdempotencyRecord.objects.update(fingerprint=digest)

    assert post(client, VALID, key="k1").json() == first.json()
    assert post(client, {**VALID, "zip": "30313"}, key="k1").status_code == 422


def test_batch_is_repeatable_too(client: Client) -> None:
    first = post(client, {"leads": [VALID, {}]}, key="k1", url=BATCH)
    again = post(client, {"leads": [VALID, {}]}, key="k1", url=BATCH)
    assert (again.status_code, again.json()) == (200, first.json())
    assert again["Idempotency-Replayed"] == "true"
    assert Lead.objects.count() == 1


def test_refusals_are_not_stored(client: Client) -> None:
    assert post(client, {"zip": "1"}, key="k1").status_code == 400
    assert IdempotencyRecord.objects.count() == 0
    assert post(client, VALID, key="k1").status_code == 201


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "tab\there", "caf\xe9"])
def test_keys_are_printable_ascii(client: Client, key: str) -> None:
    response = post(client, VALID, key=key)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "malformed")
    assert Lead.objects.count() == 0


@pytest.mark.parametrize("key", ["x", "~" * 255, "a b", '"quoted"'])
def test_any_printable_key_is_accepted(client: Client, key: str) -> None:
    assert post(client, VALID, key=key).status_code == 201


def test_lead_and_record_are_stored_in_one_transaction(client: Client) -> None:
    """The test makes the record fail: the lead must not remain, or a repeat would store it twice."""
    client.raise_request_exception = False
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE routing_idempotencyrecord ADD CONSTRAINT refuse_all CHECK (id < 0)")
    assert post(client, VALID, key="k1").status_code == 500
    assert Lead.objects.count() == 0


def test_idempotency_key_takes_three_more_statements(client: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        post(client, VALID, key="k1")
    statements = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert [sql.split()[0] for sql in statements] == ["SELECT", "SELECT", "SELECT", "INSERT", "INSERT"]
    assert "pg_try_advisory_xact_lock" in statements[1]


def test_decided_response_is_stored(client: Client, source: Source) -> None:
    enroll(CampaignFactory.create(workspace=source.workspace), count=1, credits_cents=10_000)
    first = post(client, VALID, key="k1", Prefer="wait=5")
    again = post(client, VALID, key="k1", Prefer="wait=5")
    assert (first.json()["status"], first.json()["buyers"]) == ("distributed", 1)
    assert again.json() == first.json()
    assert again["Idempotency-Replayed"] == "true"
    assert Lead.objects.get().attempts == 1


def test_repeat_during_the_decision_gets_a_conflict(client: Client) -> None:
    post(client, VALID, key="k1")
    IdempotencyRecord.objects.update(status_code=102)
    response = post(client, VALID, key="k1")
    assert (response.status_code, response.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    # Its process died: the stored row is the answer.
    IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(seconds=46))
    late = post(client, VALID, key="k1")
    assert (late.status_code, late.json()["status"], late["Idempotency-Replayed"]) == (201, "pending", "true")


def test_old_keys_are_deleted_and_new_ones_stay(client: Client) -> None:
    """A reconciler that filters on the wrong flag would never find anything."""
    for number in range(3):
        post(client, VALID, key=f"k{number}")
    old = timezone.now() - timedelta(hours=KEPT_HOURS, seconds=1)
    IdempotencyRecord.objects.exclude(key="k1").update(created_at=old)
    forget_idempotency_keys()
    assert list(IdempotencyRecord.objects.values_list("key", flat=True)) == ["k1"]
