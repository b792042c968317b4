"""What follows a call: the lead is verified, called again, or not called any more, as its campaign says."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from distribution.attempts.assign_by_hand import assign_within
from distribution.attempts.campaigns import run_with_snapshots
from distribution.calls.hearing import hear
from distribution.calls.locks import lock_call, lock_verification
from distribution.calls.settling import give_up
from distribution.calls.states import Said
from distribution.models import BlockedPhone, Call, CallEvent, CallPolicy
from routing.leads.abandoned import log_attempts
from routing.leads.actions import ActionRefused, rerun_lead
from routing.locks.leads_to_end import lock_unverified_lead
from routing.queries import read_clock
from tests.support.event_shapes import misshapen
from tests.support.factories import CallFactory, CallPolicyFactory, EnrollmentFactory, VerificationFactory
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")

ENDS: dict[str, tuple[Said, ...]] = {
    "confirmed": (Said("in-progress"), Said(key="1"), Said("completed")),
    "declined": (Said("in-progress"), Said(key="2"), Said("completed")),
    "opted_out": (Said("in-progress"), Said(key="9"), Said("completed")),
    "no_input": (Said("in-progress"), Said("completed")),
    "voicemail": (Said("in-progress", answered_by="machine_start"), Said("completed")),
    "busy": (Said("ringing"), Said("busy")),
    "no_answer": (Said("ringing"), Said("no-answer")),
    "failed": (Said("failed"),),
}
WAITS = {"busy": 10, "no_answer": 180, "voicemail": 180, "no_input": 60, "failed": 15}


def say(call: Call, *said: Said) -> None:
    for each in said:
        at = read_clock()
        with transaction.atomic():
            lines = hear(lock_call(call.pk), each, by="webhook", at=at).lines
        log_attempts(lines)
    call.refresh_from_db()
    call.lead.refresh_from_db()
    call.verification.refresh_from_db()


def build(ended_before: tuple[str, ...] = (), **campaign: Any) -> Call:
    call = CallFactory(
        phone_hash="5e" * 32, **{f"verification__campaign__{name}": value for name, value in campaign.items()}
    )
    for outcome in ended_before:
        CallFactory(
            verification=call.verification,
            lead=call.lead,
            channel=call.channel,
            phone_hash=call.phone_hash,
            state="ended",
            outcome=outcome,
            ended_at=read_clock(),
            next_check_at=None,
        )
    return call


@pytest.mark.parametrize("outcome", ENDS)
def test_call_ends_with_its_outcome_and_frees_its_line(outcome: str) -> None:
    call = build()

    say(call, *ENDS[outcome])

    assert (call.state, call.outcome, call.ended_by, call.next_check_at) == (
        "ended",
        outcome,
        "webhook",
        None,
    )


@pytest.mark.parametrize(("outcome", "minutes"), WAITS.items())
def test_person_who_was_not_reached_is_called_again(outcome: str, minutes: int) -> None:
    call = build()

    say(call, *ENDS[outcome])

    assert (call.lead.status, call.lead.locked_by, call.verification.state) == ("gated", "", "waiting")
    assert call.verification.reason == outcome
    assert call.verification.due_at == call.ended_at + timedelta(minutes=minutes)


def test_confirmed_lead_is_due_before_the_call_has_ended() -> None:
    call = build()

    say(call, Said("in-progress"), Said(key="1"))

    assert (call.state, call.verification.state) == ("in_progress", "verified")
    assert (call.lead.status, call.lead.due_reason) == ("pending", "verification_ended")
    assert (call.lead.verification, call.lead.verified_at) == ("call", call.lead.next_attempt_at)
    say(call, Said("completed", duration_seconds=12))
    assert (call.outcome, call.duration_seconds, call.lead.status) == ("confirmed", 12, "pending")


@pytest.mark.parametrize("outcome", ["declined", "opted_out"])
@pytest.mark.parametrize("end", ["fail", "sell", "person"])
def test_person_who_declines_ends_the_lead(outcome: str, end: str) -> None:
    call = build(unverified_end=end)

    say(call, *ENDS[outcome])

    assert (call.lead.status, call.lead.skip_reason) == ("failed", "verification_declined")
    assert (call.verification.state, call.lead.verification) == ("declined", "declined")
    blocked = BlockedPhone.objects.filter(workspace=call.workspace, phone_hash=call.phone_hash).count()
    assert blocked == (1 if outcome == "opted_out" else 0)


@pytest.mark.parametrize(
    ("end", "lead", "verification"),
    [
        ("fail", ("failed", "not_verified", ""), "unverified"),
        ("sell", ("pending", "", "unverified"), "unverified"),
        ("person", ("gated", "verification_required", ""), "person"),
    ],
)
def test_last_call_leads_to_the_end_that_the_campaign_chose(
    end: str, lead: tuple[str, ...], verification: str
) -> None:
    call = build(("busy", "busy"), unverified_end=end)

    say(call, *ENDS["busy"])

    assert (call.lead.status, call.lead.skip_reason, call.lead.verification) == lead
    assert call.verification.state == verification
    codes = list(
        CallEvent.objects.filter(verification=call.verification).order_by("pk").values_list("code", flat=True)
    )
    assert codes == ["ringing", "ended", "gave_up"]


def test_failed_lead_has_an_attempt_that_says_why() -> None:
    call = build(("busy", "busy"))

    say(call, *ENDS["busy"])

    attempt = Attempt.objects.get(lead_id=call.lead_id)
    assert (attempt.result, attempt.skip_reason) == ("unsold", "not_verified")
    assert misshapen(LeadDistributionEvent.objects.filter(attempt_id=attempt.pk)) == []


@pytest.mark.parametrize(
    ("before", "outcome", "is_last"),
    [
        ((), "busy", False),
        (("no_answer", "no_answer"), "busy", False),
        (("no_answer", "no_answer", "busy"), "busy", True),  # four calls in all
        (("no_answer", "no_answer"), "no_answer", True),
        (("voicemail",), "voicemail", True),
        (("not_placed", "not_placed", "not_placed"), "busy", False),  # no tries
    ],
)
def test_tries_are_counted(before: tuple[str, ...], outcome: str, *, is_last: bool) -> None:
    call = build(before)

    say(call, *ENDS[outcome])

    assert (call.verification.state == "unverified") == is_last


def test_policy_of_the_campaign_is_used() -> None:
    call = build()
    CallPolicyFactory(campaign=call.verification.campaign, busy_minutes=1, busy_calls=2)

    say(call, *ENDS["busy"])

    assert call.verification.due_at == call.ended_at + timedelta(minutes=1)
    assert CallPolicy.objects.count() == 1


def test_lead_whose_person_declined_is_neither_run_again_nor_sold_by_hand() -> None:
    call = build()
    enrollment = EnrollmentFactory(campaign=call.verification.campaign, buyer__credits_cents=10_000)
    say(call, *ENDS["declined"])

    with pytest.raises(ActionRefused, match="do not want this"):
        rerun_lead(call.lead_id, at=read_clock())
    with pytest.raises(ActionRefused, match="do not want this"):
        run_with_snapshots(partial(assign_within, call.lead_id, enrollment_id=enrollment.pk))


def test_person_who_opted_out_is_not_sold_when_they_are_sent_again() -> None:
    call = build(unverified_end="sell")
    say(call, *ENDS["opted_out"])
    again = VerificationFactory(
        campaign=call.verification.campaign,
        lead__source__workspace=call.workspace,
        lead__phone_hash=call.phone_hash,
    )

    with transaction.atomic():
        lead = lock_unverified_lead(again.lead_id)
        assert lead is not None
        give_up(lock_verification(again.pk), lead, reason="phone_blocked", at=read_clock())

    again.lead.refresh_from_db()
    assert (again.lead.status, again.lead.skip_reason) == ("failed", "verification_declined")


def test_key_after_the_end_of_its_call_counts() -> None:
    call = build()
    say(call, *ENDS["no_input"])

    say(call, Said(key="1"))

    assert (call.outcome, call.lead.status, call.verification.state) == ("confirmed", "pending", "verified")


def test_call_that_lost_its_claim_does_not_move_the_lead() -> None:
    call = build()
    call.lead.locked_by = "call:another"
    call.lead.save(update_fields=["locked_by"])

    say(call, *ENDS["confirmed"])

    assert (call.outcome, call.lead.status, call.lead.locked_by) == ("confirmed", "calling", "call:another")
