"""Claims: a claim on a lead is committed before work with outside effects, and fences every later write."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from distribution.attempts.distribute import distribute_lead
from distribution.verify import run_verification
from routing.leads.actions import ActionRefused, cancel_sent_lead, rerun_lead
from routing.leads.claim import ClaimLost, NotClaimed, release, renew
from routing.metrics.leads import LEASES_LOST
from routing.models import Lead, LeadStatus, Workspace
from routing.reconcile import Counts, find_reconciler, run_reconciler
from tests.support.blocking import holding
from tests.support.claims import claim, complete, fail
from tests.support.factories import LeadFactory
from tests.support.planting import plant
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")

OWNER = "caller:1"
HOLD_LEAD = "SELECT 1 FROM routing_lead WHERE id = %s FOR UPDATE"


def now() -> datetime:
    return datetime.now(UTC)


def state(lead: Lead) -> tuple[Any, ...]:
    lead.refresh_from_db()
    return lead.status, lead.skip_reason, lead.attempts, lead.locked_by, lead.locked_at


class TestClaim:
    def test_claim_is_committed_with_owner_and_time(self) -> None:
        lead, before = LeadFactory(), now()

        claim(lead.pk, owner=OWNER)

        assert state(lead)[:4] == ("calling", "", 0, OWNER)
        assert lead.locked_at is not None
        assert before - timedelta(seconds=1) < lead.locked_at < now() + timedelta(seconds=1)
        assert lead.next_attempt_at is None
        assert distribute_lead(lead.pk).not_run == "finished"  # no worker gets a claimed lead
        assert run_verification().holds

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"next_attempt_at": now() + timedelta(days=1)}, "it is not due"),
            ({"paused_at": now()}, "it is paused"),
            ({"expires_at": now()}, "it has expired"),
            (
                {"status": "failed", "next_attempt_at": None, "finished_at": now()},
                'it is not waiting: its status is "needs an operator to run it again"',
            ),
        ],
    )
    def test_lead_that_cannot_be_claimed_is_not_changed(self, fields: dict[str, Any], reason: str) -> None:
        lead = LeadFactory(**fields)
        before = state(lead)
        with pytest.raises(NotClaimed) as refused:
            claim(lead.pk, owner=OWNER)
        assert str(refused.value) == reason
        assert state(lead) == before

    def test_paused_workspace_starts_no_lead(self) -> None:
        lead = LeadFactory()
        Workspace.objects.update(paused_at=now())
        with pytest.raises(NotClaimed, match="it is paused"):
            claim(lead.pk, owner=OWNER)

    def test_gated_lead_can_be_claimed(self) -> None:
        lead = LeadFactory(status="gated", next_attempt_at=None)
        claim(lead.pk, owner=OWNER)
        assert state(lead)[3] == OWNER

    def test_claimed_lead_is_refused_to_others(self) -> None:
        lead = LeadFactory()
        claim(lead.pk, owner=OWNER)
        with pytest.raises(NotClaimed, match="being called"):
            claim(lead.pk, owner="caller:2")
        with pytest.raises(ActionRefused):
            rerun_lead(lead.pk, at=now())


class TestEnds:
    def test_completed_lead_is_due_again_without_an_attempt(self) -> None:
        lead = LeadFactory(errors=2)
        claim(lead.pk, owner=OWNER)

        at = now()
        complete(
            lead.pk, owner=OWNER, status=LeadStatus.PENDING, at=at, next_attempt_at=at, due_reason="verified"
        )

        assert state(lead) == ("pending", "", 0, "", None)
        assert (lead.next_attempt_at, lead.due_reason, lead.errors, lead.finished_at) == (
            at,
            "verified",
            0,
            None,
        )
        assert run_verification().holds

    def test_completed_lead_can_be_finished(self) -> None:
        lead = LeadFactory()
        at = now()
        claim(lead.pk, owner=OWNER)
        complete(lead.pk, owner=OWNER, status=LeadStatus.CANCELLED, at=at)
        assert (*state(lead), lead.finished_at) == ("cancelled", "", 0, "", None, at)

    def test_failed_lead_is_retried_and_then_parked(self) -> None:
        """One due time, closed in the transaction that ends the attempt."""
        lead = LeadFactory()
        results = []
        for _ in range(3):
            Lead.objects.filter(status="pending").update(next_attempt_at=now())
            claim(lead.pk, owner=OWNER)
            at = now()
            due_at = fail(lead.pk, owner=OWNER, at=at)
            results.append(None if due_at is None else round((due_at - at) / timedelta(minutes=1)))

        assert [bool(minutes) for minutes in results] == [True, True, False]
        assert results[0] in (1, 2)
        assert results[1] in (2, 3, 4)
        assert state(lead) == ("failed", "internal_error", 3, "", None)
        assert list(Attempt.objects.order_by("number").values_list("result", "skip_reason", "worker")) == [
            ("retry", "internal_error", OWNER),
            ("retry", "internal_error", OWNER),
            ("failed", "internal_error", OWNER),
        ]
        assert run_verification().holds

    def test_lost_trace_does_not_stop_the_lead(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A failed INSERT aborts the whole transaction, so the write needs a savepoint."""
        lead = LeadFactory()
        claim(lead.pk, owner=OWNER)
        monkeypatch.setattr("tracing.recorder.WRITE_SQL", "INSERT INTO nowhere VALUES (%s)")

        assert fail(lead.pk, owner=OWNER, at=now()) is not None

        assert state(lead) == ("pending", "internal_error", 1, "", None)
        assert not Attempt.objects.exists()


class TestTheFence:
    """An owner that lost the lead writes nothing and gets ClaimLost."""

    def assert_refused(self, lead: Lead, *, owner: str, caplog: pytest.LogCaptureFixture) -> None:
        before = list(Lead.objects.values())
        counted = LEASES_LOST._value.get()
        caplog.clear()
        with pytest.raises(ClaimLost):
            complete(lead.pk, owner=owner, status=LeadStatus.PENDING, at=now(), next_attempt_at=now())
        assert [record.message for record in caplog.records] == ["routing.lease_lost"]
        assert not renew(lead.pk, owner=owner, at=now())
        assert list(Lead.objects.values()) == before
        assert not Attempt.objects.exists()
        assert LEASES_LOST._value.get() == counted + 1

    def test_owner_of_a_canceled_lead_is_refused(self, caplog: pytest.LogCaptureFixture) -> None:
        lead = LeadFactory()
        claim(lead.pk, owner=OWNER)
        cancel_sent_lead(lead.public_id, source_id=lead.source_id, reason="withdrawn")

        self.assert_refused(lead, owner=OWNER, caplog=caplog)

        assert Lead.objects.get().status == "cancelled"

    def test_earlier_owner_is_refused(self, caplog: pytest.LogCaptureFixture) -> None:
        lead = LeadFactory()
        claim(lead.pk, owner=OWNER)
        complete(lead.pk, owner=OWNER, status=LeadStatus.PENDING, at=now(), next_attempt_at=now())
        claim(lead.pk, owner="caller:2")

        self.assert_refused(lead, owner=OWNER, caplog=caplog)

        complete(lead.pk, owner="caller:2", status=LeadStatus.GATED, at=now())
        assert state(lead) == ("gated", "verification_required", 0, "", None)

    def test_renewed_claim_has_its_new_time(self) -> None:
        lead, at = LeadFactory(), now() + timedelta(minutes=1)
        claim(lead.pk, owner=OWNER)
        assert renew(lead.pk, owner=OWNER, at=at)
        assert state(lead) == ("calling", "", 0, OWNER, at)

    @pytest.mark.parametrize("owner", ["caller:2", ""])
    def test_release_by_another_is_refused(self, owner: str, caplog: pytest.LogCaptureFixture) -> None:
        lead = LeadFactory()
        claim(lead.pk, owner=OWNER)
        before, counted = list(Lead.objects.values()), LEASES_LOST._value.get()

        with pytest.raises(ClaimLost):
            release(lead.pk, owner=owner, status=LeadStatus.PENDING, at=now(), next_attempt_at=now())

        assert list(Lead.objects.values()) == before
        assert LEASES_LOST._value.get() == counted + 1
        assert [record.message for record in caplog.records] == ["routing.lease_lost"]

    def test_lead_that_has_moved_on_is_not_released(self) -> None:
        lead = LeadFactory()
        before = list(Lead.objects.values())
        with pytest.raises(ClaimLost):
            release(lead.pk, owner="", status=LeadStatus.GATED, at=now())
        assert list(Lead.objects.values()) == before


class TestStaleLocks:
    def run(self, *, fix: bool) -> Counts:
        return run_reconciler(find_reconciler("stale_locks"), fix=fix)

    @staticmethod
    def age(lead: Lead, seconds: int) -> None:
        Lead.objects.filter(pk=lead.pk).update(locked_at=now() - timedelta(seconds=seconds))

    def test_stale_lock_is_due_again_with_a_reason(self, settings: Any) -> None:
        """The reconciler finds it, and the released lead has a due time."""
        settings.LEADSWITCH_CLAIM_MAX_SECONDS = 60
        stale, fresh, pending = LeadFactory.create_batch(3)
        for lead in (stale, fresh):
            claim(lead.pk, owner=OWNER)
        self.age(stale, 61)
        self.age(fresh, 50)
        before = [state(lead) for lead in (fresh, pending)]

        reported = self.run(fix=False)
        assert reported == Counts(checked=1, skipped=1)
        assert state(stale)[0] == "calling"
        repaired = self.run(fix=True)
        assert repaired == Counts(checked=1, repaired=1)
        assert reported.named == repaired.named == (f"lead {stale.pk}",)

        assert state(stale) == ("pending", "lock_expired", 1, "", None)
        assert timedelta(seconds=50) < stale.next_attempt_at - now() < timedelta(minutes=2)
        assert stale.due_reason == "lock_expired"
        assert [state(lead) for lead in (fresh, pending)] == before
        attempt = Attempt.objects.get()
        assert (attempt.result, attempt.skip_reason, attempt.worker) == ("retry", "lock_expired", OWNER)
        assert 61_000 <= attempt.duration_ms < 70_000
        assert [row.event for row in LeadDistributionEvent.objects.order_by("seq")] == [
            "distribution_started",
            "failed",
        ]
        assert self.run(fix=True) == Counts()
        assert run_verification().holds

    def test_lead_is_parked_after_its_tries(self, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
        settings.LEADSWITCH_CLAIM_MAX_SECONDS = 60
        lead = LeadFactory()
        Workspace.objects.update(max_attempts=2)
        for _ in range(2):
            Lead.objects.update(next_attempt_at=now())
            claim(lead.pk, owner=OWNER)
            self.age(lead, 100)
            caplog.clear()
            assert self.run(fix=True).repaired == 1

        assert state(lead) == ("failed", "worker_lost", 2, "", None)
        assert lead.finished_at is not None
        results = Attempt.objects.order_by("number").values_list("result", "skip_reason")
        assert list(results) == [("retry", "lock_expired"), ("failed", "worker_lost")]
        [record] = caplog.records
        assert (record.message, record.owner, record.attempts) == ("routing.failed", OWNER, 2)  # type: ignore[attr-defined]
        assert run_verification().holds

    def test_lead_whose_owner_is_just_ending_is_left_alone(self, settings: Any) -> None:
        settings.LEADSWITCH_CLAIM_MAX_SECONDS = 60
        lead = LeadFactory()
        claim(lead.pk, owner=OWNER)
        self.age(lead, 100)
        with holding(HOLD_LEAD, [lead.pk]):
            assert self.run(fix=True) == Counts()
        assert self.run(fix=True).repaired == 1

    def test_many_batches_are_released(self, settings: Any) -> None:
        settings.LEADSWITCH_CLAIM_MAX_SECONDS = 60
        source = LeadFactory().source
        count = 2 * settings.LEADSWITCH_TUNING.stale_locks_batch_leads + 1
        Lead.objects.bulk_create(LeadFactory.build_batch(count, source=source))
        plant(
            "UPDATE routing_lead SET status = 'calling', next_attempt_at = NULL, locked_by = 'x',"
            " locked_at = now() - interval '1 hour'"
        )
        assert self.run(fix=True) == Counts(checked=count + 1, repaired=count + 1)
        assert Attempt.objects.count() == count + 1
        assert run_verification().holds
