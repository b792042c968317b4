"""What an operator does with a lead's verification: verify the person, have the call go out now, or give up.

Each is one transaction with an audit entry. A call that is out keeps its line until the carrier says that it has ended;
what it comes to does not move the lead any more, unless the person says no in it.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Final

from django.db import transaction

from distribution.calls.counting import count_given_up, count_verified_after_its_end
from distribution.calls.hanging_up import request_hang_up
from distribution.calls.locks import lock_verification
from distribution.calls.settling import Lines, end_verification, fail_unverified, verify
from distribution.calls.story import tell
from distribution.models import OPEN_VERIFICATIONS, Call, UnverifiedEnd, Verification, VerificationState
from routing.dispatch.enqueue import after_commit
from routing.leads.abandoned import log_attempts
from routing.leads.actions import ActionRefused, Operator, act_on_lead, rerun_lead
from routing.locks.attempts import wait_for_lead
from routing.locks.leads_to_end import LeadToEnd, lock_unverified_lead
from routing.models import VERIFIED, Lead, LeadStatus, LeadVerification
from routing.queries import read_clock
from tracing import audit
from tracing.call_events import CallEventCode, describe_waiting

UNVERIFIED: Final = (LeadStatus.GATED, LeadStatus.CALLING)
# Why a lead failed that an operator may still verify.
FAILED_WITHOUT: Final = ("not_verified", "not_callable")
DECLINED: Final = "verification_declined"
# Of leads that wait for an operator. No setting lets such a person be called.
NEVER_CALLABLE: Final = ("no_phone", "no_timezone")
HANG_UP: Final = "verified_by_hand"
AUDITED: Final = ["state", "due_at", "reason"]


class VerificationAction(StrEnum):
    """The names are those in audit entries."""

    VERIFY = "verify_by_hand"
    CALL_NOW = "call_now"
    GIVE_UP = "give_up_verification"


def find_refusal(lead: Lead, *, at: datetime) -> str:
    """Why the person cannot be verified by hand; "" if they can."""
    if lead.verification in VERIFIED:
        return "its person is verified already"
    if lead.verification == LeadVerification.DECLINED or lead.skip_reason == DECLINED:
        return "the person said in a call that they do not want this"
    if lead.status in UNVERIFIED:
        return ""
    if lead.status == LeadStatus.FAILED and lead.skip_reason in FAILED_WITHOUT:
        return "it has expired" if lead.expires_at <= at else ""
    return f"it does not wait for a verification: {LeadStatus(lead.status).label}"


def verify_by_hand(lead_id: int, *, at: datetime, by: Operator) -> bool:
    """Let the lead go on without a call, at once. One that failed for it is run again.

    Waits for the lead's lock up to lock_timeout. Raises ActionRefused (also as TriedTooOften), Lead.DoesNotExist.
    """
    at = _not_ahead(at)

    def work(lead: Lead) -> None:
        refusal = find_refusal(lead, at=at)
        if refusal:
            raise ActionRefused(refusal)
        if lead.status == LeadStatus.FAILED:
            _verify_failed(lead, at=at)
        else:
            _verify_waiting(lead, at=at)

    return act_on_lead(VerificationAction.VERIFY, lead_id, work, by=by)


def _verify_waiting(lead: Lead, *, at: datetime) -> None:
    held, verification = _lock_open(lead.pk)
    verify(verification, held, how=LeadVerification.HAND, at=at)
    _hang_up(lead.pk, why=HANG_UP, at=at)


def _verify_failed(lead: Lead, *, at: datetime) -> None:
    latest = Verification.objects.filter(lead_id=lead.pk).order_by("-pk").values_list("pk", flat=True).first()
    if latest is not None:
        how = LeadVerification.HAND.value
        tell(CallEventCode.VERIFIED, at=at, verification_id=latest, how=how)
    Lead.objects.filter(pk=lead.pk).update(verification=LeadVerification.HAND, verified_at=at)
    rerun_lead(lead.pk, at=at)
    count_verified_after_its_end()


def find_wait_refusal(action: VerificationAction, verification: Verification, *, at: datetime) -> str:
    """Why CALL_NOW or GIVE_UP is refused; "" if it is allowed."""
    state = VerificationState(verification.state)
    if state not in OPEN_VERIFICATIONS:
        return f"it has ended: {state.label}"
    if state == VerificationState.CALLING:
        return "a call is out; wait for its end, or verify the person by hand"
    if action is VerificationAction.CALL_NOW and verification.reason in NEVER_CALLABLE:
        return f"no call is possible: {describe_waiting(verification.reason).rstrip('.')}"
    is_due = verification.due_at is not None and verification.due_at <= at
    if action is VerificationAction.CALL_NOW and is_due:
        return "it is due already, and called as soon as a line is free and the person may be called"
    return ""


def call_now(verification_id: int, *, at: datetime, by: Operator) -> bool:
    """Have the next call go out as soon as a line is free. Hours, blocked phones and limits still hold."""
    at = _not_ahead(at)

    def work(verification: Verification, _held: LeadToEnd) -> Lines:
        verification.state, verification.due_at, verification.reason = VerificationState.WAITING, at, ""
        verification.save(update_fields=AUDITED)
        tell(CallEventCode.CALL_NOW, at=at, verification_id=verification.pk)
        return ()

    return _act(VerificationAction.CALL_NOW, verification_id, work, at=at, by=by)


def give_up_verification(verification_id: int, *, at: datetime, by: Operator) -> bool:
    """End it without a call. The lead fails; a person can still verify it by hand, or run it again."""
    at = _not_ahead(at)

    def work(verification: Verification, held: LeadToEnd) -> Lines:
        tell(CallEventCode.GAVE_UP, at=at, verification_id=verification.pk, reason="given_up", end="fail")
        end_verification(verification, VerificationState.UNVERIFIED, at=at, reason="given_up")
        count_given_up(UnverifiedEnd.FAIL)
        return fail_unverified(held, reason="not_verified", at=at)

    return _act(VerificationAction.GIVE_UP, verification_id, work, at=at, by=by)


def _act(
    action: VerificationAction,
    verification_id: int,
    work: Callable[[Verification, LeadToEnd], Lines],
    *,
    at: datetime,
    by: Operator,
) -> bool:
    """Under the locks of the lead and the verification. Raises ActionRefused, Verification.DoesNotExist."""
    lead_id = Verification.objects.values_list("lead_id", flat=True).get(pk=verification_id)
    with transaction.atomic():
        wait_for_lead(lead_id)
        held = lock_unverified_lead(lead_id)
        verification = lock_verification(verification_id)
        _refuse_changed(verification, seen=by.seen)
        refusal = find_wait_refusal(action, verification, at=at)
        if refusal or held is None:
            raise ActionRefused(refusal or "its lead does not wait for it any longer")
        before = audit.read_state(verification, fields=AUDITED)
        after_commit(partial(log_attempts, work(verification, held)))
        audit.record(
            actor=by.name,
            action=action,
            target=verification,
            workspace_id=verification.workspace_id,
            reason=by.reason,
            before=before,
            after=audit.read_state(verification, fields=AUDITED),
        )
    return True


def _not_ahead(at: datetime) -> datetime:
    """Never later than the database's clock: a time from a host whose clock is ahead would hold the lead back."""
    return min(at, read_clock())


def version_of(verification: Verification) -> str:
    """What a page showed. An action compares it. The due time is left out, because it changes by itself."""
    return f"{verification.state}-{verification.tries}"


def _refuse_changed(verification: Verification, *, seen: str) -> None:
    if seen and seen != version_of(verification):
        label = VerificationState(verification.state).label
        raise ActionRefused(f"it changed after you opened the page and is now {label}; reload the page")


def _lock_open(lead_id: int) -> tuple[LeadToEnd, Verification]:
    """Needs the lead's lock."""
    held = lock_unverified_lead(lead_id)
    found = Verification.objects.filter(lead_id=lead_id, ended_at__isnull=True).values_list("pk", flat=True)
    verification_id = found.first()
    if held is None or verification_id is None:
        raise ActionRefused(
            "its person is not being called, although its status says so; wait until its claim has ended"
        )
    return held, lock_verification(verification_id)


def _hang_up(lead_id: int, *, why: str, at: datetime) -> None:
    """The call keeps its line until the carrier says that it has ended."""
    for call in Call.objects.select_for_update(no_key=True).filter(lead_id=lead_id, ended_at__isnull=True):
        request_hang_up(call, why, at)
