"""Asks for the end of calls. The checker asks the carrier for it, and the call ends once the carrier says so."""

from datetime import datetime, timedelta
from typing import Final

from django.db import OperationalError, connection, transaction

from distribution.calls.locks import LockedCall, lock_call
from distribution.calls.story import tell_of
from distribution.models import Call, CallEvent
from tracing.call_events import CallEventCode
from tracing.locks import is_lock_conflict

TOO_LONG: Final = "too_long"
LEAD_MOVED_ON: Final = "lead_moved_on"
# The carrier keeps it in its queue for longer than the check of the hours looked ahead.
QUEUED_TOO_LONG: Final = "queued_too_long"
# A call that ended so soon after that has not left the queue, unless the carrier said that it rang.
TAKEN_BACK_WITHIN: Final = timedelta(seconds=10)

# Few rows: those that hold lines. A call whose key has decided is heard to its end.
FIND_LEFT_BEHIND: Final = """
SELECT c.id FROM distribution_call c JOIN routing_lead l ON l.id = c.lead_id
WHERE c.ended_at IS NULL AND c.hang_up_at IS NULL AND c.key = '' AND l.locked_by <> 'call:' || c.public_id
ORDER BY c.id LIMIT %s
"""


def request_hang_up(call: Call, why: str, at: datetime) -> bool:
    """Needs the call's lock. `why`: a code. False: it has ended, or was asked before."""
    if call.ended_at is not None or call.hang_up_at is not None:
        return False
    call.hang_up_at = call.next_check_at = at
    call.save(update_fields=["hang_up_at", "next_check_at"])
    tell_of(call, CallEventCode.HUNG_UP, at=at, why=why)
    return True


def was_taken_back(call: Call, *, at: datetime) -> bool:
    """Whether we took it out of the carrier's queue before it rang. `at`: when it ended, if it does now."""
    if call.hang_up_at is None or call.ringing_at is not None or call.answered_at is not None:
        return False
    if (call.ended_at or at) > call.hang_up_at + TAKEN_BACK_WITHIN:
        return False
    hung_up = CallEvent.objects.filter(call_id=call.pk, code=CallEventCode.HUNG_UP.value)
    return hung_up.filter(data={"why": QUEUED_TOO_LONG}).exists()


def hang_up_left_behind(*, limit: int, at: datetime) -> None:
    """Ask for the end of calls whose lead has moved on without them: it was canceled, has expired or was sold."""
    with connection.cursor() as cursor:
        cursor.execute(FIND_LEFT_BEHIND, [limit])
        call_ids = [call_id for (call_id,) in cursor.fetchall()]
    for call_id in call_ids:
        _hang_up(call_id, at=at)


def _hang_up(call_id: int, *, at: datetime) -> None:
    """If its lock is busy, it is found again."""
    try:
        with transaction.atomic():
            locked = lock_call(call_id)
            if is_left_behind(locked):
                request_hang_up(locked.call, LEAD_MOVED_ON, at)
    except OperationalError as error:
        if not is_lock_conflict(error):
            raise


def is_left_behind(locked: LockedCall) -> bool:
    call = locked.call
    return call.lead_id is not None and not call.key and locked.claimed is None
