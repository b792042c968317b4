"""A person who says no after their lead has moved on: what has not been sold yet is sold to nobody.

The lead was verified by the same call, was given up, or went another way while the person was on the phone.
"""

from datetime import datetime
from typing import Final

from distribution.calls.counting import count_declined
from distribution.calls.locks import lock_verification
from distribution.calls.settling import Lines, end_verification, fail_unverified
from distribution.calls.story import tell_of
from distribution.models import Call, Verification, VerificationState
from routing.locks.leads_to_end import LeadToEnd, lock_lead_at_once
from routing.models import Lead, LeadStatus, LeadVerification
from tracing.call_events import CallEventCode

WAITING: Final = (LeadStatus.PENDING, LeadStatus.OFFERED, LeadStatus.GATED)


def withdraw(call: Call, *, at: datetime) -> Lines:
    """Needs the call's lock. The lines are logged after the commit.

    An attempt that decides about the lead has its lock, which comes before that of the call, so this does not wait:
    it raises OperationalError. The report stays new then, and is applied a moment later. A buyer that has
    the lead keeps it. One whose system is being asked gets it if that system accepts it, and no further buyer does.
    """
    if call.lead_id is None:
        return ()
    lead = lock_lead_at_once(call.lead_id)
    known = Lead.objects.filter(pk=lead.id).exclude(verification=LeadVerification.DECLINED)
    if not known.update(verification=LeadVerification.DECLINED, verified_at=None):
        return ()
    tell_of(call, CallEventCode.DECLINED, at=at, is_late=True)
    if not _waits(lead):
        return ()
    if not lead.is_partly_sold:
        _end_verifications(call, lead, at=at)
    return fail_unverified(lead, reason="verification_declined", at=at)


def _waits(lead: LeadToEnd) -> bool:
    """Whether nothing but another call works on it. That call is hung up once the lead has ended."""
    is_called = lead.status == LeadStatus.CALLING and lead.locked_by.startswith("call:")
    return lead.status in WAITING or is_called


def _end_verifications(call: Call, lead: LeadToEnd, *, at: datetime) -> None:
    """That of the call, and the one that is open. How the lead ended is how they ended."""
    count_declined()
    own = [] if call.verification_id is None else [call.verification_id]
    still_open = Verification.objects.filter(lead_id=lead.id, ended_at__isnull=True)
    for verification_id in sorted({*own, *still_open.values_list("pk", flat=True)}):
        end_verification(lock_verification(verification_id), VerificationState.DECLINED, at=at)
