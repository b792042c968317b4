"""What an operator does with a verification: verify by hand, call now, give up. Each is audited or refused in words."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.calls.by_hand import (
    call_now,
    find_refusal,
    give_up_verification,
    verify_by_hand,
    version_of,
)
from distribution.calls.hearing import hear
from distribution.calls.locks import lock_call
from distribution.calls.states import Said
from distribution.models import Call, CallEvent, Verification
from routing.leads.actions import ActionRefused, Operator
from routing.models import Lead
from routing.queries import read_clock
from tests.support.factories import (
    CallFactory,
    CampaignFactory,
    EnrollmentFactory,
    LeadFactory,
    SourceFactory,
    VerificationFactory,
)
from tracing.models import AuditEntry

pytestmark = pytest.mark.usefixtures("committed_db")
BY = Operator("olga", "spoke to the person")


def gate(**lead: Any) -> Lead:
    """A lead whose attempt stopped at the gate, with a buyer that would take it."""
    campaign = CampaignFactory(price_cents=2_000, verification="required")
    EnrollmentFactory(campaign=campaign, buyer__credits_cents=10_000)
    found: Lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace), **lead)
    assert distribute_lead(found.pk).result == "gated"
    found.refresh_from_db()
    return found


def codes(verification: Verification) -> list[str]:
    return list(
        CallEvent.objects.filter(verification=verification).order_by("pk").values_list("code", flat=True)
    )


def test_clock_of_a_host_that_is_ahead_holds_nothing_back() -> None:
    lead, ahead = gate(), timezone.now() + timedelta(hours=1)
    Verification.objects.update(due_at=ahead + timedelta(hours=1))
    verification = Verification.objects.get()

    assert call_now(verification.pk, at=ahead, by=BY)
    verification.refresh_from_db()
    assert verify_by_hand(lead.pk, at=ahead, by=BY)

    now = read_clock()
    lead.refresh_from_db()
    assert verification.due_at is not None
    assert verification.due_at <= now
    assert lead.next_attempt_at is not None
    assert lead.next_attempt_at <= now
    assert lead.verified_at is not None
    assert lead.verified_at <= now


def test_gated_lead_goes_on_at_once() -> None:
    lead, at = gate(), timezone.now()

    assert verify_by_hand(lead.pk, at=at, by=BY)

    lead.refresh_from_db()
    assert (lead.status, lead.verification, lead.verified_at) == ("pending", "hand", at)
    assert (lead.next_attempt_at, lead.due_reason) == (at, "verification_ended")
    verification = Verification.objects.get()
    assert (verification.state, verification.ended_at, verification.due_at) == ("verified", at, None)
    assert codes(verification) == ["verified"]
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.reason) == ("verify_by_hand", "olga", "spoke to the person")
    assert (entry.before["status"], entry.after["status"]) == ("gated", "pending")
    assert entry.after["verification"] == "hand"
    assert distribute_lead(lead.pk).result == "success"


@pytest.mark.parametrize(
    ("key", "outcome", "lead_is", "verification"),
    [
        ("", "no_input", ("pending", "hand"), "verified"),
        ("1", "confirmed", ("pending", "hand"), "verified"),
        ("2", "declined", ("failed", "declined"), "declined"),
        ("9", "opted_out", ("failed", "declined"), "declined"),
    ],
)
def test_call_that_is_out_is_hung_up_and_moves_nothing_but_a_no_does(
    key: str, outcome: str, lead_is: tuple[str, str], verification: str
) -> None:
    call, at = CallFactory(carrier_sid="CA1"), timezone.now()
    lead_id = call.lead_id
    assert lead_id is not None

    verify_by_hand(lead_id, at=at, by=BY)

    call.refresh_from_db()
    assert (call.state, call.hang_up_at, call.next_check_at) == ("dialing", at, at)
    assert codes(call.verification) == ["verified", "hung_up"]
    with transaction.atomic():
        hear(lock_call(call.pk), Said("in-progress", key=key), by="webhook", at=at)
    with transaction.atomic():
        hear(lock_call(call.pk), Said(status="completed"), by="webhook", at=at)
    assert Call.objects.get().outcome == outcome
    lead = Lead.objects.get(pk=lead_id)
    assert (lead.status, lead.verification) == lead_is
    assert Verification.objects.get().state == verification


@pytest.mark.parametrize("reason", ["not_verified", "not_callable"])
def test_failed_lead_is_verified_and_run_again_in_one_step(reason: str) -> None:
    lead, at = gate(), timezone.now()
    give_up_verification(Verification.objects.get().pk, at=at, by=BY)
    Lead.objects.update(skip_reason=reason)

    assert verify_by_hand(lead.pk, at=at, by=BY)

    lead.refresh_from_db()
    assert (lead.status, lead.verification, lead.verified_at) == ("pending", "hand", at)
    assert (lead.due_reason, lead.finished_at) == ("manual", None)
    assert codes(Verification.objects.get()) == ["gave_up", "verified"]
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "give_up_verification",
        "verify_by_hand",
    ]
    assert distribute_lead(lead.pk).result == "success"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "pending"}, "it does not wait for a verification: waiting until it is due"),
        (
            {
                "status": "gated",
                "next_attempt_at": None,
                "verification": "call",
                "verified_at": timezone.now(),
            },
            "its person is verified already",
        ),
        (
            {"status": "failed", "next_attempt_at": None, "skip_reason": "verification_declined"},
            "the person said in a call that they do not want this",
        ),
        (
            {"status": "failed", "next_attempt_at": None, "skip_reason": "no_eligible_buyers"},
            "it does not wait for a verification: needs an operator to run it again",
        ),
        (
            {
                "status": "failed",
                "next_attempt_at": None,
                "skip_reason": "not_verified",
                "expires_at": timezone.now() - timedelta(seconds=1),
            },
            "it has expired",
        ),
        (
            {"status": "gated", "next_attempt_at": None},
            "its person is not being called, although its status says so; wait until its claim has ended",
        ),
    ],
)
def test_refusal_changes_nothing(changes: dict[str, Any], words: str) -> None:
    ended = {"finished_at": timezone.now()} if changes["status"] == "failed" else {}
    lead = LeadFactory(**changes, **ended)
    before = Lead.objects.values().get()

    with pytest.raises(ActionRefused, match=words):
        verify_by_hand(lead.pk, at=timezone.now(), by=BY)

    assert Lead.objects.values().get() == before
    assert not AuditEntry.objects.exists()
    assert not CallEvent.objects.exists()


def test_words_say_whether_it_can_be_verified() -> None:
    assert find_refusal(gate(), at=timezone.now()) == ""


class TestCallNow:
    def test_next_call_is_due_at_once(self) -> None:
        at = timezone.now()
        verification = VerificationFactory(due_at=at + timedelta(hours=3), reason="no_answer", tries=1)

        assert call_now(verification.pk, at=at, by=BY)

        verification.refresh_from_db()
        assert (verification.state, verification.due_at, verification.reason) == ("waiting", at, "")
        assert Lead.objects.get().status == "gated"
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.model) == ("call_now", "distribution.verification")
        assert entry.before["reason"] == "no_answer"

    def test_person_who_waits_for_an_operator_is_called_again(self) -> None:
        verification, at = VerificationFactory(state="person", due_at=None), timezone.now()

        assert call_now(verification.pk, at=at, by=BY)

        verification.refresh_from_db()
        assert (verification.state, verification.due_at) == ("waiting", at)

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"due_at": timezone.now() - timedelta(minutes=1)}, "it is due already"),
            ({"state": "calling", "due_at": None}, "a call is out"),
            ({"state": "verified", "due_at": None, "ended_at": timezone.now()}, "it has ended: verified"),
        ],
    )
    def test_refusal_changes_nothing(self, changes: dict[str, Any], words: str) -> None:
        verification = VerificationFactory(**changes)
        before = Verification.objects.values().get()

        with pytest.raises(ActionRefused, match=words):
            call_now(verification.pk, at=timezone.now(), by=BY)

        assert Verification.objects.values().get() == before
        assert not AuditEntry.objects.exists()

    def test_page_that_is_old_is_refused(self) -> None:
        verification = VerificationFactory(due_at=timezone.now() + timedelta(hours=1))
        seen = version_of(verification)
        Verification.objects.update(tries=1)

        with pytest.raises(
            ActionRefused, match="it changed after you opened the page and is now waiting for a call"
        ):
            call_now(verification.pk, at=timezone.now(), by=Operator("olga", "why", seen))


class TestGiveUp:
    @pytest.mark.parametrize("state", ["waiting", "person"])
    def test_lead_fails_with_a_trace(self, state: str) -> None:
        lead, at = gate(), timezone.now()
        if state == "person":
            Verification.objects.update(state="person", due_at=None)

        assert give_up_verification(Verification.objects.get().pk, at=at, by=BY)

        lead.refresh_from_db()
        assert (lead.status, lead.skip_reason, lead.attempts) == ("failed", "not_verified", 2)
        verification = Verification.objects.get()
        assert (verification.state, verification.reason, verification.ended_at) == (
            "unverified",
            "given_up",
            at,
        )
        assert codes(verification) == ["gave_up"]
        assert AuditEntry.objects.get().action == "give_up_verification"
