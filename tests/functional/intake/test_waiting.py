"""A sender that waits for the decision: `Prefer: wait=N` (RFC 7240)."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from routing.dispatch import enqueue
from routing.models import Lead, Source
from tests.support.factories import CampaignFactory, SourceFactory, enroll, issue_key

pytestmark = pytest.mark.django_db

LEADS = "/api/v1/leads/"
VALID = {"zip": "30312", "email": "ada@example.com"}


@pytest.fixture
def source() -> Source:
    return SourceFactory.create()


@pytest.fixture
def client(source: Source) -> Client:
    return Client(headers={"Authorization": f"Api-Key {issue_key(source)}"})


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The leads in messages to the workers."""
    ids: list[int] = []
    monkeypatch.setattr(enqueue.ENQUEUER, "add", lambda due: ids.extend(each.lead_id for each in due))
    return ids


def post(client: Client, prefer: str) -> Any:
    return client.post(LEADS, VALID, content_type="application/json", headers={"Prefer": prefer})


def test_sold_lead_is_answered_with_the_sale(client: Client, source: Source, woken: list[int]) -> None:
    campaign = CampaignFactory.create(workspace=source.workspace, max_buyers=2)
    enroll(campaign, count=3, credits_cents=10_000)
    response = post(client, "wait=5")
    lead = Lead.objects.get()
    assert (response.status_code, response["Preference-Applied"]) == (201, "wait=5")
    assert response.json() == {
        "id": str(lead.public_id),
        "external_id": "",
        "is_test": False,
        "status": "distributed",
        "result": "success",
        "reason": None,
        "message": None,
        "buyers": 2,
        "duplicate_of": None,
        "received_at": lead.received_at.isoformat().replace("+00:00", "Z"),
        "next_attempt_at": None,
        "warnings": [],
    }
    assert woken == []
    looked_up = client.get(response["Location"]).json()
    assert (looked_up["result"], looked_up["buyers"], looked_up["attempts"]) == ("success", 2, 1)


def test_unsold_lead_is_answered_with_the_reason(client: Client) -> None:
    body = post(client, "respond-async, wait=5").json()
    assert (body["status"], body["result"], body["reason"], body["buyers"]) == (
        "failed",
        "unsold",
        "no_campaign",
        0,
    )
    assert body["message"] == "No active campaign takes this vertical and source."


def test_deferred_lead_is_answered_with_its_time(client: Client, source: Source) -> None:
    never_now = {"mon": [["00:00", "00:01"]]}
    enroll(
        CampaignFactory.create(workspace=source.workspace),
        count=1,
        credits_cents=10_000,
        buyer__hours=never_now,
    )
    body = post(client, "wait=1").json()
    lead = Lead.objects.get()
    assert (body["status"], body["result"], body["reason"]) == (
        "pending",
        "deferred",
        "all_buyers_outside_hours",
    )
    assert lead.next_attempt_at is not None
    assert body["next_attempt_at"] == lead.next_attempt_at.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [
        ("wait=0", "wait=0"),
        ("wait=999", "wait=30"),
        ('wait="3"', "wait=3"),
        ("return=minimal;x=1, WAIT = 4 ; a=b, wait=9", "wait=4"),
        ("wait=-1", None),
        ("wait=soon", None),
        ("wait=1.5", None),
        ("handling=lenient", None),
    ],
)
def test_preferences_are_read(client: Client, prefer: str, applied: str | None) -> None:
    response = post(client, prefer)
    assert response.status_code == 201
    assert response.headers.get("Preference-Applied") == applied
    is_decided = applied not in (None, "wait=0")
    assert Lead.objects.get().attempts == int(is_decided)


def test_decision_that_fails_does_not_fail_the_intake(
    client: Client, settings: Settings, woken: list[int]
) -> None:
    settings.LEADSWITCH_DECIDE_HOOK = "tests.functional.intake.test_waiting.fail"
    response = post(client, "wait=5")
    lead = Lead.objects.get()
    assert (response.status_code, response.json()["status"], lead.attempts) == (201, "pending", 0)
    assert woken == [lead.pk]


def fail(lead_id: int, *, seconds: float) -> None:
    raise RuntimeError(f"no decision on {lead_id} in {seconds}")


def test_paused_workspace_stores_leads_and_decides_nothing(client: Client, source: Source) -> None:
    source.workspace.paused_at = "2026-01-31T12:00:00Z"  # type: ignore[assignment]
    source.workspace.save()
    body = post(client, "wait=2").json()
    assert (body["status"], body["result"], Lead.objects.get().attempts) == ("pending", None, 0)
