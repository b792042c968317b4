"""Ends calls whose carrier will never say that they have ended, because a person says so: an account that is closed.

Nothing does this by itself. Such a call may be live: its line could then be used twice, and its person be called a
second time. So only calls that have lasted far too long can be ended, and only of an account that is stopped.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from distribution.calls.check_times import longest_until
from distribution.calls.hearing import END_FIELDS, mark_ended
from distribution.calls.locks import LockedCall, lock_call
from distribution.calls.second_calls import note_to_end
from distribution.calls.settling import Lines, settle_call
from distribution.calls.states import BY_HAND
from distribution.calls.story import tell_of
from distribution.models import Call, CallOutcome, CarrierAccount
from routing.leads.abandoned import log_attempts
from routing.queries import read_clock
from tracing import audit
from tracing.call_events import CallEventCode

# After the time at which a call is hung up. Until then the carrier may answer again.
FAR_TOO_LONG: Final = timedelta(minutes=10)
WARNING: Final = (
    "A call that the carrier has not ended may still be live: then its line is used twice, and its person may be "
    "called a second time. Do this only if the account is closed for good."
)
AUDITED: Final = ["state", "outcome", "ended_at", "ended_by"]


class FreeRefused(ValueError):
    """Nothing was changed. The message says why."""


def find_refusal(account: CarrierAccount, *, at: datetime) -> str:
    """Why no call of the account can be ended by hand; "" if some can."""
    if account.stopped_at is None:
        return "the account is not stopped"
    return "" if list_freeable(account.pk, at=at) else "no call of it has lasted far too long"


def list_freeable(account_id: int, *, at: datetime) -> list[int]:
    """Few rows are read: those that hold lines."""
    calls = Call.objects.filter(account_id=account_id, ended_at__isnull=True).order_by("pk")
    return [call.pk for call in calls if _lasts_far_too_long(call, at=at)]


def free_calls(account_id: int, *, at: datetime, actor: str, reason: str) -> int:
    """End them with their lines, leads and phones, each in a transaction of its own. Returns how many.

    Must run outside a transaction. Raises FreeRefused, CarrierAccount.DoesNotExist, OperationalError.
    """
    at = min(at, read_clock())
    refusal = find_refusal(CarrierAccount.objects.get(pk=account_id), at=at)
    if refusal:
        raise FreeRefused(refusal)
    calls = list_freeable(account_id, at=at)
    return sum(_free(call_id, at=at, actor=actor, reason=reason) for call_id in calls)


def _free(call_id: int, *, at: datetime, actor: str, reason: str) -> bool:
    """False: it has ended in the meantime."""
    with transaction.atomic():
        locked = lock_call(call_id)
        if locked.call.ended_at is not None:
            return False
        before = audit.read_state(locked.call, fields=AUDITED)
        lines = _end(locked, at=at)
        audit.record(
            actor=actor,
            action="freed",
            target=locked.call,
            workspace_id=locked.call.workspace_id,
            reason=reason,
            before=before,
            after=audit.read_state(locked.call, fields=AUDITED),
        )
    log_attempts(lines)
    return True


def _end(locked: LockedCall, *, at: datetime) -> Lines:
    """It counts as a call, because it may have rung. If its id is known, the carrier is asked for a day to end it."""
    call = locked.call
    call.outcome, call.carrier_status = CallOutcome.FAILED, "failed"
    mark_ended(call, by=BY_HAND, at=at)
    call.save(update_fields=(*END_FIELDS, "carrier_status"))
    tell_of(call, CallEventCode.FREED, at=at)
    if call.carrier_sid is not None:
        note_to_end(call, call.carrier_sid)
    if locked.claimed is None:
        return ()
    return settle_call(call, locked.claimed, outcome=call.outcome, at=at)


def _lasts_far_too_long(call: Call, *, at: datetime) -> bool:
    until = longest_until(call)
    return until is not None and at >= until + FAR_TOO_LONG
