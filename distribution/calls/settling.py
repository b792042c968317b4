"""Moves a lead on after what is known of its person: verified, declined, called again, or not called any more.

Every function needs an open transaction that holds the lead's lock. What they return is logged after the commit.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count

from distribution.attempts.opt_outs import has_opted_out
from distribution.calls.allowing import PROMISE_ENDS, is_too_late
from distribution.calls.counting import count_declined, count_given_up, count_verified
from distribution.calls.following import Follow, follow
from distribution.calls.hanging_up import QUEUED_TOO_LONG
from distribution.calls.locks import lock_verification
from distribution.calls.promises import read_last_promise
from distribution.calls.story import tell, tell_of
from distribution.models import (
    BlockedPhone,
    Call,
    CallOutcome,
    CallPolicy,
    UnverifiedEnd,
    Verification,
    VerificationState,
)
from routing.leads.abandoned import end_attempts
from routing.leads.attempt_log import AttemptLine
from routing.leads.claim import end_of_claim, release
from routing.leads.finish import VERIFICATION_ENDED
from routing.locks.attempts import LeadUnderLock
from routing.locks.leads_to_end import LeadToEnd
from routing.models import Lead, LeadStatus, LeadVerification
from tracing.call_events import CallEventCode
from tracing.models import AttemptTrigger

Lines = Sequence[AttemptLine]
# A key may come after the end of its call: two requests of the carrier overtake each other, or one is repeated.
KEY_GRACE: Final = timedelta(seconds=10)
# After the carrier kept a call in its queue. The account waits until the queue is over, if that is longer.
QUEUE_PAUSE: Final = timedelta(minutes=5)
OPT_OUT: Final = "Asked in a call not to be called again."
# No call can verify such a person. It is the lead's own skip reason too.
NOT_CALLABLE: Final = frozenset(
    {"no_phone", "invalid_phone", "phone_blocked", "no_consent", "no_timezone", "no_calling_hours"}
)


def settle_call(call: Call, lead: LeadToEnd, *, outcome: str, at: datetime) -> Lines:
    """Move the lead on after its call. It is the lead's latest: the call has its claim.

    A person who answered may have pressed a key of which nobody has heard yet. So such a call gives nobody up at once:
    the lead waits for KEY_GRACE, and the beginning of its next call finds that there is none (tries.py).
    """
    assert call.verification_id is not None  # noqa: S101 - a constraint: the call of a lead has a verification
    verification = lock_verification(call.verification_id)
    if outcome == CallOutcome.NOT_PLACED:
        return _wait_for_queue(verification, lead, at=at)
    counts = _count(verification, but=call, outcome=outcome)
    following = follow(outcome, policy=read_policy(verification.campaign_id), counts=counts, at=at)
    if following.follow is Follow.VERIFIED:
        verify(verification, lead, how=LeadVerification.CALL, at=at)
        return ()
    if following.follow is Follow.DECLINED:
        return _decline(verification, lead, at=at)
    late = _find_late(lead, following.due_at, at=at)
    if following.due_at is not None and late is None:
        call_again(verification, lead, due_at=following.due_at, reason=outcome, at=at)
        tell(
            CallEventCode.AGAIN,
            at=at,
            verification_id=verification.pk,
            outcome=outcome,
            due_at=following.due_at.isoformat(),
        )
        return ()
    if outcome == CallOutcome.NO_INPUT:
        call_again(verification, lead, due_at=at + KEY_GRACE, reason=outcome, at=at)
        return ()
    return give_up(verification, lead, reason=late or outcome, at=at)


def _wait_for_queue(verification: Verification, lead: LeadToEnd, *, at: datetime) -> Lines:
    """Its call was taken out of the carrier's queue before it rang: nobody was called, and it is no try."""
    verification.tries = max(0, verification.tries - 1)
    verification.save(update_fields=["tries"])
    due_at = at + QUEUE_PAUSE
    late = _find_late(lead, due_at, at=at)
    if late is not None:
        return give_up(verification, lead, reason=late or QUEUED_TOO_LONG, at=at)
    call_again(verification, lead, due_at=due_at, reason=QUEUED_TOO_LONG, at=at)
    return ()


def _find_late(lead: LeadToEnd, due_at: datetime | None, *, at: datetime) -> str | None:
    """As find_late. None also if there is no next call."""
    if due_at is None:
        return None
    return find_late(lead, due_at, promise_ends_at=read_last_promise(lead.id), at=at)


def find_late(
    lead: LeadUnderLock, due_at: datetime, *, promise_ends_at: datetime | None, at: datetime
) -> str | None:
    """Why the lead's next call is none. None: it is not too late. "": the lead expires before.

    One that has expired is ended by `reconcile expiry`.
    """
    if is_too_late(promise_ends_at, due_at):
        return PROMISE_ENDS
    return "" if at < lead.expires_at <= due_at else None


def read_policy(campaign_id: int) -> CallPolicy:
    """The campaign's policy, or the defaults."""
    return CallPolicy.objects.filter(campaign_id=campaign_id).first() or CallPolicy(campaign_id=campaign_id)


def _count(verification: Verification, *, but: Call, outcome: str) -> Counter[str]:
    """How many of its calls ended how, with this one. One that was not placed is no try."""
    calls = Call.objects.filter(verification_id=verification.pk).exclude(pk=but.pk)
    ended = calls.exclude(outcome__in=("", "not_placed")).values_list("outcome").annotate(Count("pk"))
    return Counter(dict(ended)) + Counter([outcome])


def verify(verification: Verification, lead: LeadToEnd, *, how: LeadVerification, at: datetime) -> None:
    """The lead is due at once: its next attempt passes the gate."""
    tell(CallEventCode.VERIFIED, at=at, verification_id=verification.pk, how=how.value)
    end_verification(verification, VerificationState.VERIFIED, at=at)
    count_verified(verification, how=how, at=at)
    _let_go(lead, verification=how, at=at)


def give_up(verification: Verification, lead: LeadToEnd, *, reason: str, at: datetime) -> Lines:
    """No further call, for whatever reason. What follows is a setting of the campaign.

    A person who asked not to be called again has declined, also in a call of another lead.
    """
    phone_hash = Lead.objects.values_list("phone_hash", flat=True).get(pk=lead.id)
    if has_opted_out(phone_hash, workspace_id=lead.workspace_id):
        return _decline(verification, lead, at=at)
    end = _find_end(verification, lead, reason=reason, at=at)
    tell(CallEventCode.GAVE_UP, at=at, verification_id=verification.pk, reason=reason, end=end.value)
    count_given_up(end)
    if end is UnverifiedEnd.PERSON:
        _set(verification, state=VerificationState.PERSON, reason=reason[:30], due_at=None)
        _keep_gated(lead, at=at)
        return ()
    end_verification(verification, VerificationState.UNVERIFIED, at=at, reason=reason)
    if end is UnverifiedEnd.SELL:
        _let_go(lead, verification=LeadVerification.UNVERIFIED, at=at)
        return ()
    return fail_unverified(lead, reason=_find_skip_reason(reason), at=at)


def _find_end(verification: Verification, lead: LeadToEnd, *, reason: str, at: datetime) -> UnverifiedEnd:
    """What the campaign says. Once the promise is over, with which the lead ends, nobody can sell or verify it.

    Just before, an operator has no time to decide.
    """
    end = UnverifiedEnd(verification.campaign.unverified_end)
    if reason != PROMISE_ENDS or end is UnverifiedEnd.FAIL:
        return end
    is_over = is_too_late(read_last_promise(lead.id), at)
    return UnverifiedEnd.FAIL if is_over or end is UnverifiedEnd.PERSON else end


def _find_skip_reason(reason: str) -> str:
    if reason == PROMISE_ENDS:
        return "promise_ended"
    return "not_callable" if reason in NOT_CALLABLE else "not_verified"


def call_again(
    verification: Verification, lead: LeadToEnd, *, due_at: datetime, reason: str, at: datetime
) -> None:
    """Another call from then on. `reason`: why not at once."""
    _set(verification, state=VerificationState.WAITING, due_at=due_at, reason=reason[:30])
    _keep_gated(lead, at=at)


def end_verification(
    verification: Verification, state: VerificationState, *, at: datetime, reason: str = ""
) -> None:
    _set(verification, state=state, due_at=None, ended_at=at, reason=reason[:30])


def block_phone(call: Call, *, at: datetime) -> None:
    if call.phone_hash is not None:
        BlockedPhone.objects.bulk_create(
            [
                BlockedPhone(
                    workspace_id=call.workspace_id,
                    phone_hash=call.phone_hash,
                    reason=OPT_OUT,
                    is_opt_out=True,
                    created_at=at,
                )
            ],
            update_conflicts=True,
            unique_fields=["workspace", "phone_hash"],
            update_fields=["is_opt_out"],
        )
        tell_of(call, CallEventCode.PHONE_BLOCKED, at=at)


def _decline(verification: Verification, lead: LeadToEnd, *, at: datetime) -> Lines:
    tell(CallEventCode.DECLINED, at=at, verification_id=verification.pk)
    end_verification(verification, VerificationState.DECLINED, at=at)
    count_declined()
    Lead.objects.filter(pk=lead.id).update(verification=LeadVerification.DECLINED)
    return fail_unverified(lead, reason="verification_declined", at=at)


def fail_unverified(lead: LeadToEnd, *, reason: str, at: datetime) -> Lines:
    """End the lead as failed, which no further attempt follows. Its trace names the campaign that had it called."""
    verifications = Verification.objects.filter(lead_id=lead.id, workspace_id=lead.workspace_id)
    ending = replace(
        end_of_claim(lead, reason=reason, at=at),
        trigger=AttemptTrigger.VERIFICATION,
        campaign_id=verifications.order_by("-pk").values_list("campaign_id", flat=True).first(),
    )
    return end_attempts([ending], at=at, owner=lead.locked_by or "calls")


def _let_go(lead: LeadToEnd, *, verification: LeadVerification, at: datetime) -> None:
    release(
        lead.id,
        owner=lead.locked_by,
        status=LeadStatus.PENDING,
        at=at,
        next_attempt_at=at,
        due_reason=VERIFICATION_ENDED,
        verification=verification,
    )


def _keep_gated(lead: LeadToEnd, *, at: datetime) -> None:
    if lead.status != LeadStatus.GATED:
        release(lead.id, owner=lead.locked_by, status=LeadStatus.GATED, at=at)


def _set(verification: Verification, **values: object) -> None:
    for name, value in values.items():
        setattr(verification, name, value)
    verification.save(update_fields=[*values])
