"""What becomes of a lead that is claimed by a call, if the claim is old or the call has ended without the lead.

A call that is out keeps its claim, however long it lasts: only the carrier knows when it is over (checking.py).
"""

from datetime import datetime

from django.db import connection

from distribution.calls.locks import lock_verification
from distribution.calls.settling import Lines, call_again, settle_call
from distribution.models import Call, CallOutcome, Verification
from routing.leads.claim import release, renew
from routing.leads.finish import VERIFICATION_ENDED
from routing.locks.leads_to_end import LeadToEnd
from routing.models import LeadStatus


def end_claim(lead: LeadToEnd, *, at: datetime) -> Lines | None:
    """Move a lead on that is `calling` although its call has ended or is gone. Needs the lead's lock.

    None: its call is out, and the claim is renewed. The hook LEADSWITCH_CALL_CLAIM_HOOK.
    """
    call = _find_owner(lead)
    if call is not None and call.ended_at is None:
        renew(lead.id, owner=call.owner, at=at)
        return None
    verification = Verification.objects.filter(lead_id=lead.id, ended_at__isnull=True).first()
    if verification is None:
        let_go(lead, at=at)
        return ()
    if (
        call is not None
        and call.verification_id == verification.pk
        and call.outcome != CallOutcome.NOT_PLACED
    ):
        return settle_call(call, lead, outcome=call.outcome, at=at)
    call_again(lock_verification(verification.pk), lead, due_at=at, reason="", at=at)
    return ()


def let_go(lead: LeadToEnd, *, at: datetime) -> None:
    """Due at once: its next attempt decides whether it needs a verification. Needs the lead's lock."""
    release(
        lead.id,
        owner=lead.locked_by,
        status=LeadStatus.PENDING,
        at=at,
        next_attempt_at=at,
        due_reason=VERIFICATION_ENDED,
    )


def _find_owner(lead: LeadToEnd) -> Call | None:
    """The call that has the claim, locked. None: it is gone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM distribution_call WHERE lead_id = %s AND 'call:' || public_id = %s",
            [lead.id, lead.locked_by],
        )
        row = cursor.fetchone()
    return None if row is None else Call.objects.select_for_update(no_key=True).get(pk=row[0])
