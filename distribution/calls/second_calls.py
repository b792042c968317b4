"""Ends calls at the carrier that must not be: a second one for a request, and one that was given up as not placed."""

import logging
from collections.abc import Callable
from datetime import datetime

from distribution.calls.applying import HANG_UP, HUNG_UP
from distribution.calls.carrier import CarrierClient, CarrierUnavailable, EndStatus
from distribution.calls.notices import NO_SEQUENCE
from distribution.models import Call, CallNotice, CarrierAccount, NoticeKind

logger = logging.getLogger(__name__)


def note_second_call(call: Call, sid: str) -> None:
    """Needs the call's lock. The row is the intent: the next run ends that call."""
    note = CallNotice(
        call=call, kind=NoticeKind.STATUS, carrier_sid=sid, sequence=NO_SEQUENCE, result=HANG_UP
    )
    CallNotice.objects.bulk_create([note], ignore_conflicts=True)


def end_second_calls(
    *, limit: int, get_carrier: Callable[[CarrierAccount], CarrierClient], at: datetime
) -> int:
    """Two processes may end the same call: the carrier ends it once. Returns how many it was asked to end."""
    waiting = CallNotice.objects.filter(applied_at__isnull=True, result=HANG_UP).order_by("pk")
    sids = {
        (note.call, note.carrier_sid) for note in waiting.select_related("call__account")[:limit] if note.call
    }
    return sum(_end(call, sid, get_carrier(call.account), at=at) for call, sid in sids)


def _end(call: Call, sid: str, carrier: CarrierClient, *, at: datetime) -> bool:
    try:
        carrier.end(sid, EndStatus.COMPLETED)
    except CarrierUnavailable as error:
        extra = {"call": str(call.public_id), "cause": error.problem.value}
        logger.warning("calls.second_call_not_ended", extra=extra)
        return False
    waiting = CallNotice.objects.filter(call=call, carrier_sid=sid, applied_at__isnull=True, result=HANG_UP)
    waiting.update(applied_at=at, result=HUNG_UP)
    return True
