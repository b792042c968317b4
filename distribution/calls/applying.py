"""Applies what carriers reported, once, under the locks of lead and call.

All new reports of a call are applied together, its keys first: a key decides before the end of the call does. Several
processes may run it: the second finds nothing new. A report that cannot be applied is set aside, and stops no other.
"""

import logging
from datetime import datetime
from typing import Final

from django.db import InterfaceError, OperationalError, connection, transaction

from distribution.calls.binding import bind_and_tell
from distribution.calls.counting import count_applied
from distribution.calls.hearing import hear
from distribution.calls.locks import LockedCall, lock_call
from distribution.calls.settling import Lines
from distribution.calls.states import STATES, Said
from distribution.models import Call, CallNotice, CallOutcome, NoticeKind
from routing.leads.abandoned import log_attempts
from routing.queries import read_clock
from tracing.locks import is_lock_conflict

logger = logging.getLogger(__name__)

APPLIED: Final = "applied"
NOTHING_NEW: Final = "nothing_new"
# The carrier has a call that must not be: it stays new until second_calls.py has ended that call.
HANG_UP: Final = "hang_up"
HUNG_UP: Final = "hung_up"
FAILED: Final = "failed"

FIND_NEW: Final = """
SELECT call_id FROM distribution_callnotice
WHERE applied_at IS NULL AND result = '' AND call_id IS NOT NULL
GROUP BY call_id ORDER BY min(id) LIMIT %s
"""


def apply_new(*, limit: int) -> int:
    """Apply the new reports of at most `limit` calls. Returns how many reports. Raises OperationalError.

    What waits for a lock too long stays new, for the next time.
    """
    with connection.cursor() as cursor:
        cursor.execute(FIND_NEW, [limit])
        call_ids = [call_id for (call_id,) in cursor.fetchall()]
    return sum(_apply_of(call_id) for call_id in call_ids)


def _apply_of(call_id: int) -> int:
    at = read_clock()
    try:
        with transaction.atomic(durable=True):
            count, lines = apply_notices(call_id, at=at)
    except OperationalError as error:
        if not is_lock_conflict(error):
            raise
        return 0
    log_attempts(lines)
    return count


def apply_notices(call_id: int, *, at: datetime) -> tuple[int, Lines]:
    """Lock a call and apply its new reports. Needs an open transaction. The lines are logged after the commit."""
    lock_call(call_id)
    new = CallNotice.objects.filter(call_id=call_id, applied_at__isnull=True, result="")
    notices = sorted(new, key=lambda notice: (notice.kind != NoticeKind.KEYS, notice.pk))
    lines = [line for notice in notices for line in _apply_or_set_aside(call_id, notice, at=at)]
    return len(notices), lines


def _apply_or_set_aside(call_id: int, notice: CallNotice, *, at: datetime) -> Lines:
    """Each report reads the rows again: the one before it may have moved the lead on."""
    try:
        with transaction.atomic():
            return _apply(lock_call(call_id), notice, at=at)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 - the one place that contains a report that cannot be applied
        cause = type(error).__name__
        logger.error("calls.notice_failed", extra={"number": notice.pk, "cause": cause})
        _note(notice, FAILED, at=at)
        return ()


def _apply(locked: LockedCall, notice: CallNotice, *, at: datetime) -> Lines:
    call = locked.call
    if not bind_and_tell(call, notice.carrier_sid, at=at):
        _note(notice, HANG_UP, at=None)
        return ()
    if notice.kind == NoticeKind.RECORDING:
        _note(notice, APPLIED if _keep_recording(call, notice) else NOTHING_NEW, at=at)
        return ()
    was_given_up = call.outcome == CallOutcome.NOT_PLACED
    heard = hear(locked, said_by(notice), by="webhook", at=at)
    if was_given_up and STATES.get(notice.status) != "ended":
        logger.error("calls.found_late", extra={"call": str(call.public_id)})
        _note(notice, HANG_UP, at=None)
    else:
        _note(notice, APPLIED if heard.is_new else NOTHING_NEW, at=at)
    return heard.lines


def said_by(notice: CallNotice) -> Said:
    """A call whose script or key is asked for is answered. Its end comes as a report of its state."""
    status = notice.status if notice.kind == NoticeKind.STATUS else "in-progress"
    return Said(status, notice.key, notice.answered_by, notice.duration_seconds)


def _keep_recording(call: Call, notice: CallNotice) -> bool:
    """Only of a call that we asked to record."""
    if not call.records or call.recording_sid or notice.status not in ("", "completed"):
        return False
    call.recording_sid = notice.recording_sid
    call.save(update_fields=["recording_sid"])
    return bool(call.recording_sid)


def _note(notice: CallNotice, result: str, *, at: datetime | None) -> None:
    notice.result, notice.applied_at = result, at
    notice.save(update_fields=["result", "applied_at"])
    count_applied(notice.kind, result=result)
