"""Ends calls at the carrier that must not be: a second one for a request, and one that was given up as not placed.

Such a call ends by its own time limit at the latest, so its end is asked for during a day, with pauses that double.
"""

import logging
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.db import connection

from distribution.calls.applying import FAILED, HANG_UP, HUNG_UP
from distribution.calls.binding import tell_second_call
from distribution.calls.carrier import CarrierUnavailable, EndStatus
from distribution.calls.carriers import GetCarrier
from distribution.calls.notices import NO_SEQUENCE
from distribution.calls.reach import Reach
from distribution.calls.turns import Taken, Turns
from distribution.models import Call, CallNotice, NoticeKind

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS: Final = 5
LONGEST_PAUSE_SECONDS: Final = 300
MOST_DOUBLINGS: Final = 10
LONGEST: Final = timedelta(days=1)

FIND_DUE: Final = """
SELECT n.id FROM distribution_callnotice n JOIN distribution_call c ON c.id = n.call_id
WHERE n.applied_at IS NULL AND n.result = 'hang_up' AND n.due_at <= %(at)s AND c.account_id <> ALL(%(without)s)
ORDER BY n.due_at, n.id LIMIT 1 FOR NO KEY UPDATE OF n SKIP LOCKED
"""
# It is due again before it is asked: what fails in whatever way lets all others go first.
TAKE: Final = f"""
UPDATE distribution_callnotice SET tries = LEAST(tries + 1, 32000), due_at = %(at)s::timestamptz + make_interval(
    secs => LEAST(%(first)s * 2 ^ LEAST(tries, %(doublings)s), %(longest)s)
)
WHERE id = ({FIND_DUE})
RETURNING id, (SELECT c.account_id FROM distribution_call c WHERE c.id = call_id)
"""  # noqa: S608 - only a constant is put in


def note_second_call(call: Call, sid: str, *, at: datetime) -> None:
    """Needs the call's lock. The next run ends that call."""
    tell_second_call(call, at=at)
    note_to_end(call, sid)


def note_to_end(call: Call, sid: str) -> None:
    """Needs the call's lock. The row is the intent: the next run ends the carrier's call with this id."""
    note = CallNotice(
        call=call, kind=NoticeKind.STATUS, carrier_sid=sid, sequence=NO_SEQUENCE, result=HANG_UP
    )
    CallNotice.objects.bulk_create([note], ignore_conflicts=True)


def end_second_calls(
    *, limit: int, get_carrier: GetCarrier, clock: Callable[[], datetime], reach: Reach, turns: Turns
) -> int:
    """Two processes may end the same call: the carrier ends it once. Returns how many reports were due."""
    for count in range(limit):
        at = clock()
        with turns.take(partial(_take, at=at)) as taken:
            if taken is None:
                return count
            note = CallNotice.objects.select_related("call__account").get(pk=taken.id)
            if _end(note, get_carrier=get_carrier, reach=reach):
                _note_all_of(note, HUNG_UP, at=at)
            elif at >= note.received_at + LONGEST:
                logger.error("calls.second_call_given_up", extra={"call": str(note.call.public_id)})
                _note_all_of(note, FAILED, at=at)
    return limit


def _take(without: Collection[int], *, at: datetime) -> Taken | None:
    values: dict[str, Any] = {
        "at": at,
        "without": list(without),
        "first": FIRST_PAUSE_SECONDS,
        "longest": LONGEST_PAUSE_SECONDS,
        "doublings": MOST_DOUBLINGS,
    }
    with connection.cursor() as cursor:
        cursor.execute(TAKE, values)
        row = cursor.fetchone()
    return None if row is None else Taken(*row)


def _end(note: CallNotice, *, get_carrier: GetCarrier, reach: Reach) -> bool:
    """False: the carrier did not say that the call ends."""
    call, account = note.call, note.call.account
    if not reach.is_open(account):
        return False
    try:
        with reach.asking(account):
            get_carrier(account).end(note.carrier_sid, EndStatus.COMPLETED)
    except CarrierUnavailable as error:
        extra = {"call": str(call.public_id), "cause": error.problem.value}
        logger.warning("calls.second_call_not_ended", extra=extra)
        return False
    return True


def _note_all_of(note: CallNotice, result: str, *, at: datetime) -> None:
    """Every report of that call."""
    waiting = CallNotice.objects.filter(
        call_id=note.call_id, carrier_sid=note.carrier_sid, applied_at__isnull=True, result=HANG_UP
    )
    waiting.update(applied_at=at, result=result)
