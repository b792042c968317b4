"""For any failure after a commit, the response reports the stored state, and so does a repeat of the request."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from distribution.attempts.distribute import decide_within
from distribution.attempts.outcome import AttemptOutcome
from distribution.models import Assignment, Campaign, Wallet
from routing.intake import store
from routing.intake.idempotency import LONGEST_RUN_SECONDS
from routing.models import IdempotencyRecord, Lead
from tests.support.factories import CampaignFactory, LeadFactory, SourceFactory, enroll, issue_key
from tests.support.racing import open_transaction
from tests.support.schema import execute, execute_beside, refusing_updates, slow, without
from tests.support.waiting import fetch_value

pytestmark = pytest.mark.usefixtures("committed_db")

LEADS = "/api/v1/leads/"
VALID = {"zip": "30312", "email": "ada@example.com"}
PRICE_CENTS = 1_000
ATTEMPTS = "tracing_attempt"


def locked(table: str) -> AbstractContextManager[Any]:
    return open_transaction(lambda: execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))


FAILURES: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "attempts gone": lambda: without(ATTEMPTS),
    "events gone": lambda: without("tracing_leaddistributionevent"),
    "events locked": lambda: locked("tracing_leaddistributionevent"),
    "attempts slow": lambda: slow(ATTEMPTS),
}


@pytest.fixture
def campaign() -> Campaign:
    campaign: Campaign = CampaignFactory(price_cents=PRICE_CENTS)
    enroll(campaign, count=1, credits_cents=10_000)
    return campaign


@pytest.fixture
def client(campaign: Campaign) -> Client:
    source = SourceFactory(workspace=campaign.workspace)
    return Client(headers={"Authorization": f"Api-Key {issue_key(source)}"}, raise_request_exception=False)


def post(client: Client, *, key: str = "", prefer: str = "wait=5") -> Any:
    headers = {"Prefer": prefer, **({"Idempotency-Key": key} if key else {})}
    return client.post(LEADS, VALID, content_type="application/json", headers=headers)


def assert_sold_once() -> None:
    assert Assignment.objects.count() == 1
    assert Wallet.objects.get().balance_cents == 10_000 - PRICE_CENTS


@pytest.mark.parametrize("failure", FAILURES)
def test_sold_lead_is_shown_as_sold_without_its_trace(client: Client, failure: str) -> None:
    with FAILURES[failure]():
        answer = post(client, key="k1")
    connection.close()
    lead = Lead.objects.get()
    assert_sold_once()
    assert answer.status_code == 201
    body = answer.json()
    assert (body["id"], body["status"]) == (str(lead.public_id), "distributed")
    assert (body["result"], body["buyers"], body["next_attempt_at"]) == ("success", 1, None)
    assert body["incomplete"]["url"] == answer["Location"] == f"{LEADS}{lead.public_id}/"


def test_replay_responds_alike_during_and_after_the_outage(client: Client) -> None:
    with without(ATTEMPTS):
        first = post(client, key="k1").json()
        again = post(client, key="k1")
    afterwards = post(client, key="k1")
    for repeated in (again, afterwards):
        assert (repeated.status_code, repeated["Idempotency-Replayed"]) == (201, "true")
        assert (repeated.json()["id"], repeated.json()["status"]) == (first["id"], "distributed")
    assert "incomplete" in again.json()
    assert "incomplete" not in afterwards.json()
    assert IdempotencyRecord.objects.get().status_code == 201
    assert_sold_once()


def test_response_that_cannot_be_stored_is_read_again_for_a_repeat(client: Client) -> None:
    with refusing_updates("routing_idempotencyrecord", errcode="disk_full"):
        first = post(client, key="k1")
    assert (first.status_code, first.json()["status"], first.json()["buyers"]) == (201, "distributed", 1)
    IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(seconds=LONGEST_RUN_SECONDS + 1))
    again = post(client, key="k1")
    assert (again.status_code, again.json()) == (201, first.json())
    assert_sold_once()


def test_control_without_the_second_read_a_repeat_calls_a_sold_lead_pending(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("routing.api.leads.complete_replayed", lambda answer, **_: answer)
    with refusing_updates("routing_idempotencyrecord", errcode="disk_full"):
        post(client, key="k1")
    IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(seconds=LONGEST_RUN_SECONDS + 1))
    assert post(client, key="k1").json()["status"] == "pending"
    assert_sold_once()


def decide_and_lose_the_connection(lead_id: int, *, seconds: float) -> AttemptOutcome:
    outcome = decide_within(lead_id, seconds=seconds)
    pid = fetch_value("SELECT pg_backend_pid()")
    execute_beside(f"SELECT pg_terminate_backend({pid}, 5000)")
    return outcome


def decide_and_lose_the_lead(lead_id: int, *, seconds: float) -> AttemptOutcome:
    outcome = decide_within(lead_id, seconds=seconds)
    execute_beside("ALTER TABLE routing_lead RENAME TO gone")
    return outcome


def test_connection_lost_after_the_commit_is_reopened(client: Client, settings: Settings) -> None:
    settings.LEADSWITCH_DECIDE_HOOK = f"{__name__}.decide_and_lose_the_connection"
    answer = post(client, key="k1")
    assert (answer.status_code, answer.json()["status"], answer.json()["buyers"]) == (201, "distributed", 1)
    assert_sold_once()


def test_decision_is_reported_when_the_database_is_down(client: Client, settings: Settings) -> None:
    settings.LEADSWITCH_DECIDE_HOOK = f"{__name__}.decide_and_lose_the_lead"
    try:
        answer = post(client)
    finally:
        execute_beside("ALTER TABLE gone RENAME TO routing_lead")
    body = answer.json()
    assert answer.status_code == 201
    assert (body["status"], body["result"], body["buyers"]) == ("distributed", "success", 1)
    assert body["id"] == str(Lead.objects.get().public_id)
    assert "incomplete" in body
    assert_sold_once()


def test_canceled_lead_is_shown_as_canceled() -> None:
    lead = LeadFactory(source=SourceFactory())
    own = Client(
        headers={"Authorization": f"Api-Key {issue_key(lead.source)}"}, raise_request_exception=False
    )
    with without(ATTEMPTS):
        answer = own.delete(f"{LEADS}{lead.public_id}/?reason=sold%20elsewhere")
    lead.refresh_from_db()
    body = answer.json()
    assert (answer.status_code, body["status"], body["cancel_reason"]) == (200, "cancelled", "sold elsewhere")
    assert "incomplete" in body
    assert lead.status == "cancelled"


def test_lead_made_due_is_shown_as_due() -> None:
    lead = LeadFactory(source=SourceFactory(), next_attempt_at=timezone.now() + timedelta(hours=1))
    own = Client(
        headers={"Authorization": f"Api-Key {issue_key(lead.source)}"}, raise_request_exception=False
    )
    with without(ATTEMPTS):
        answer = own.post(f"{LEADS}{lead.public_id}/dispatch-now/")
    lead.refresh_from_db()
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    assert lead.next_attempt_at is not None
    assert lead.next_attempt_at <= timezone.now()


def test_stored_leads_of_a_batch_are_reported_if_the_others_cannot_be_read(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {**VALID, "external_id": "1"}
    client.post(LEADS, here, content_type="application/json")
    monkeypatch.setattr(store, "FIND_EXISTING", store.FIND_EXISTING.replace("routing_lead", "gone"))
    answer = client.post(
        f"{LEADS}batch/", {"leads": [here, {**VALID, "external_id": "2"}]}, content_type="application/json"
    )
    assert answer.status_code == 200
    rejected, accepted = answer.json()["results"]
    assert (rejected["status"], rejected["error"]["code"]) == ("rejected", "conflict")
    assert accepted["id"] == str(Lead.objects.get(external_id="2").public_id)


def test_failure_of_the_product_claims_nothing(client: Client) -> None:
    """A view that fails before its commit looks the same as one that fails after it."""
    with without("routing_source"):
        answer = post(client)
    assert answer.status_code == 500
    assert "nothing was stored" not in answer.json()["error"]["message"]
    assert "Idempotency-Key" in answer.json()["error"]["message"]
