"""`POST /api/v1/leads/{id}/dispatch-now/`: a waiting lead is tried now, under every rule that applies."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.attempts.outcome import NotRun
from distribution.explain.lead import explain
from distribution.models import Assignment
from routing.dispatch.sizes import read_sizes
from routing.leads.actions import TriedTooOften, pause_lead, rerun_lead
from routing.leads.run_limit import take
from routing.models import AskedBy, Lead, LeadAllowance, Workspace
from routing.redis import rate_limit
from tests.browser.scene import only_in_two_days
from tests.support.blocking import holding
from tests.support.claims import claim
from tests.support.factories import (
    EnrollmentFactory,
    LeadFactory,
    SourceFactory,
    issue_key,
)
from tests.support.flushed_enqueuer import flushed_enqueuer
from tests.support.planting import plant
from tracing.models import Attempt

pytestmark = pytest.mark.usefixtures("committed_db", "redis_client")

HOLD_LEAD = "SELECT 1 FROM routing_lead WHERE id = %s FOR UPDATE"
DAY = timedelta(days=1)


@pytest.fixture
def lead() -> Lead:
    """It waits until tomorrow. Its buyer has credits."""
    enrollment = EnrollmentFactory(buyer__credits_cents=10_000)
    source = SourceFactory(workspace=enrollment.campaign.workspace)
    lead: Lead = LeadFactory(
        source=source, next_attempt_at=timezone.now() + DAY, due_reason="outside_workspace_hours"
    )
    return lead


def send(lead: Lead, *, key: str = "", public_id: object = None) -> Any:
    client = Client(headers={"Authorization": f"Api-Key {key or issue_key(lead.source)}"})
    return client.post(f"/api/v1/leads/{public_id or lead.public_id}/dispatch-now/")


def row(lead: Lead) -> dict[str, Any]:
    return Lead.objects.values().get(pk=lead.pk)


def refusal(answer: Any, status_code: int) -> dict[str, Any]:
    assert answer.status_code == status_code, answer.content
    error: dict[str, Any] = answer.json()["error"]
    return error


def test_waiting_lead_becomes_due_and_nothing_else_changes(lead: Lead) -> None:
    before, at = row(lead), timezone.now()

    answer = send(lead)

    assert answer.status_code == 202
    after = row(lead)
    assert at <= after["next_attempt_at"] <= timezone.now()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"next_attempt_at", "due_reason"}
    body = answer.json()
    assert (body["id"], body["status"], body["attempts"]) == (str(lead.public_id), "pending", 0)
    assert body["next_attempt_at"] == after["next_attempt_at"].isoformat().replace("+00:00", "Z")
    assert int(answer["RateLimit-Remaining"]) < int(answer["RateLimit-Limit"])
    assert explain(Lead.objects.get()).lead.due_sentence == "Its sender requested an attempt now."


def test_lead_is_enqueued(lead: Lead) -> None:
    Workspace.objects.update(dispatch_mode="event")
    with flushed_enqueuer():
        assert send(lead).status_code == 202
    assert read_sizes().inflight == 1


def test_attempt_is_a_regular_one(lead: Lead) -> None:
    send(lead)
    assert distribute_lead(lead.pk).result == "success"
    assert Attempt.objects.get().trigger == "ingest"


def test_second_call_is_idempotent_and_keeps_the_time(lead: Lead) -> None:
    assert send(lead).status_code == 202
    before = row(lead)
    assert send(lead).status_code == 202
    assert row(lead) == before


def test_retry_keeps_its_counts(lead: Lead) -> None:
    Lead.objects.update(attempts=2, errors=2, conflicts=1, skip_reason="internal_error")
    assert send(lead).status_code == 202
    assert {"attempts": 2, "errors": 2, "conflicts": 1}.items() <= row(lead).items()


class TestNoGuardIsBypassed:
    """A request to run a lead now bypasses no check."""

    def test_credits_are_checked(self) -> None:
        lead = LeadFactory(source=SourceFactory(workspace=EnrollmentFactory().campaign.workspace))
        assert send(lead).status_code == 202
        assert distribute_lead(lead.pk).skip_reason == "insufficient_credits"
        assert not Assignment.objects.exists()

    def test_hours_of_the_workspace(self, lead: Lead) -> None:
        Workspace.objects.update(hours=only_in_two_days())
        assert send(lead).status_code == 202
        assert distribute_lead(lead.pk).skip_reason == "outside_workspace_hours"

    def test_pause_of_the_workspace(self, lead: Lead) -> None:
        """It is due, and starts when the workspace is resumed."""
        Workspace.objects.update(paused_at=timezone.now())
        assert send(lead).status_code == 202
        assert distribute_lead(lead.pk).not_run is NotRun.PAUSED
        assert not Attempt.objects.exists()


class TestRefusals:
    @pytest.mark.parametrize("status", ["distributed", "failed", "duplicate", "expired", "cancelled"])
    def test_finished_lead_is_refused(self, lead: Lead, status: str) -> None:
        """A failed lead too: only an operator runs it again."""
        Lead.objects.update(status=status, next_attempt_at=None, finished_at=timezone.now())
        before = row(lead)
        error = refusal(send(lead), 400)
        assert (error["code"], error["fields"]) == (
            "validation_failed",
            {
                "status": [
                    {
                        "code": "not_waiting",
                        "message": f"it is finished ({status}); only a waiting lead can be dispatched",
                    }
                ]
            },
        )
        assert row(lead) == before

    def test_lead_paused_by_an_operator(self, lead: Lead) -> None:
        pause_lead(lead.pk, at=timezone.now())
        before = row(lead)
        [problem] = refusal(send(lead), 400)["fields"]["status"]
        assert problem == {"code": "not_waiting", "message": "it is paused; resume it first"}
        assert row(lead) == before

    def test_lead_about_to_expire(self, lead: Lead) -> None:
        Lead.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        [problem] = refusal(send(lead), 400)["fields"]["status"]
        assert problem["message"] == "it has expired"

    def test_lead_being_worked_on(self, lead: Lead) -> None:
        """At once: the request does not wait for the row's lock."""
        before = row(lead)
        with holding(HOLD_LEAD, [lead.pk]):
            error = refusal(send(lead), 409)
        assert (error["code"], error["message"]) == (
            "conflict",
            "The lead cannot be dispatched now: it is being processed; try again in a moment.",
        )
        assert row(lead) == before

    def test_lead_with_a_call_in_progress(self, lead: Lead) -> None:
        Lead.objects.update(next_attempt_at=timezone.now())
        claim(lead.pk, owner="caller")
        before = row(lead)
        error = refusal(send(lead), 409)
        assert error["message"] == (
            "The lead cannot be dispatched now: its person is being called; wait until the call has ended."
        )
        assert row(lead) == before

    def test_unknown_lead_is_not_found(self, lead: Lead) -> None:
        assert refusal(send(lead, public_id=uuid4()), 404)["code"] == "not_found"

    def test_lead_of_another_source_of_the_workspace(self, lead: Lead) -> None:
        before = row(lead)
        sibling = SourceFactory(workspace=lead.source.workspace)
        assert send(lead, key=issue_key(sibling)).status_code == 404
        assert row(lead) == before

    def test_lead_of_another_workspace(self, lead: Lead) -> None:
        before = row(lead)
        assert send(lead, key=issue_key(SourceFactory())).status_code == 404
        assert row(lead) == before

    def test_lead_routed_from_a_partner(self, lead: Lead) -> None:
        """Rules routed it here. Its sender may hurry it; the workspace's own sources did not send it."""
        partner = SourceFactory()
        plant(
            "UPDATE routing_lead SET source_id = %s, source_workspace_id = %s",
            [partner.pk, partner.workspace_id],
        )
        assert send(lead).status_code == 404
        lead.refresh_from_db()
        assert send(lead, key=issue_key(partner)).status_code == 202

    def test_other_methods_are_refused(self, lead: Lead) -> None:
        client = Client(headers={"Authorization": f"Api-Key {issue_key(lead.source)}"})
        for method in (client.get, client.delete):
            assert method(f"/api/v1/leads/{lead.public_id}/dispatch-now/").status_code == 405

    def test_key_over_its_rate_limit(
        self, lead: Lead, monkeypatch: pytest.MonkeyPatch, settings: Any
    ) -> None:
        monkeypatch.setitem(settings.LEADSWITCH_RATE_LIMITS, "source", (1, 1))
        key = issue_key(lead.source)
        assert [send(lead, key=key).status_code for _ in range(2)] == [202, 429]


def test_body_is_not_read(lead: Lead) -> None:
    client = Client(headers={"Authorization": f"Api-Key {issue_key(lead.source)}"})
    url = f"/api/v1/leads/{lead.public_id}/dispatch-now/"
    assert client.post(url, "no json", content_type="text/plain").status_code == 202


class TestLimit:
    """Each call that makes a lead due causes an attempt with its own trace. A lead gets three per hour."""

    def test_sixty_calls_are_three_attempts(self, lead: Lead) -> None:
        Workspace.objects.update(hours=only_in_two_days())
        key = issue_key(lead.source)
        answers = []
        for _ in range(60):
            answers.append(send(lead, key=key))
            distribute_lead(lead.pk)

        assert [answer.status_code for answer in answers] == [202] * 3 + [429] * 57
        assert Attempt.objects.count() == 3
        last = answers[-1]
        wait_seconds = int(last["Retry-After"])
        assert 0 < wait_seconds <= 20 * 60
        assert last.json()["error"] == {
            "code": "rate_limited",
            "message": f"A lead can be tried on request 3 times per hour. Try again in {wait_seconds:,} seconds.",
        }

    def test_refusal_changes_nothing(self, lead: Lead) -> None:
        LeadAllowance.objects.create(
            lead=lead, asked_by="sender", full_at=timezone.now() + timedelta(hours=1)
        )
        before, counted = row(lead), LeadAllowance.objects.values().get()
        assert send(lead).status_code == 429
        assert (row(lead), LeadAllowance.objects.values().get()) == (before, counted)

    def test_call_on_a_due_lead_is_not_counted(self, lead: Lead) -> None:
        assert send(lead).status_code == 202
        counted = LeadAllowance.objects.values().get()
        assert [send(lead).status_code for _ in range(10)] == [202] * 10
        assert LeadAllowance.objects.values().get() == counted

    def test_leads_are_counted_separately(self, lead: Lead) -> None:
        other = LeadFactory(source=lead.source, next_attempt_at=timezone.now() + DAY)
        LeadAllowance.objects.create(
            lead=lead, asked_by="sender", full_at=timezone.now() + timedelta(hours=1)
        )
        assert [send(lead).status_code, send(other).status_code] == [429, 202]

    def test_every_key_of_the_source_shares_it(self, lead: Lead) -> None:
        for _ in range(3):
            assert send(lead, key=issue_key(lead.source)).status_code == 202
            Lead.objects.update(next_attempt_at=timezone.now() + DAY)
        assert send(lead, key=issue_key(lead.source)).status_code == 429

    def test_limit_refills_evenly(self, lead: Lead) -> None:
        at = timezone.now()
        waits = [take(lead.pk, asked_by=AskedBy.SENDER, at=at) for _ in range(4)]
        assert waits == [0, 0, 0, 1_200]
        assert take(lead.pk, asked_by=AskedBy.SENDER, at=at + timedelta(seconds=1_199)) == 1
        assert take(lead.pk, asked_by=AskedBy.SENDER, at=at + timedelta(seconds=1_200)) == 0
        assert take(lead.pk, asked_by=AskedBy.SENDER, at=at + timedelta(seconds=1_200)) == 1_200
        later = [take(lead.pk, asked_by=AskedBy.SENDER, at=at + timedelta(days=30)) for _ in range(4)]
        assert later == [0, 0, 0, 1_200]

    def test_limit_holds_without_redis(self, lead: Lead, settings: Any) -> None:
        """A limit in Redis would allow every request."""
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        rate_limit._script.cache_clear()
        try:
            key = issue_key(lead.source)
            statuses = []
            for _ in range(5):
                statuses.append(send(lead, key=key).status_code)
                Lead.objects.update(next_attempt_at=timezone.now() + DAY)
        finally:
            rate_limit._script.cache_clear()
            rate_limit.BREAKER.reset()
        assert statuses == [202, 202, 202, 429, 429]

    def test_operators_re_runs_have_their_own_limit(self, lead: Lead, settings: Any) -> None:
        settings.LEADSWITCH_LEAD_TRIES_PER_HOUR = {"sender": 1, "operator": 2}
        at = timezone.now()
        for _ in range(2):
            rerun_lead(lead.pk, at=at)
        before = row(lead)
        with pytest.raises(
            TriedTooOften, match="it has reached its limit of requested attempts; try again in 1,800 seconds"
        ):
            rerun_lead(lead.pk, at=at)
        assert row(lead) == before
        Lead.objects.update(next_attempt_at=at + DAY)
        assert send(lead).status_code == 202
        Lead.objects.update(next_attempt_at=at + DAY)
        assert refusal(send(lead), 429)["message"].startswith(
            "A lead can be tried on request 1 time per hour."
        )
