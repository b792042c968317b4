"""Binds a call to the carrier's id of it. The first one counts: a second one means that the person is called twice."""

import logging
from datetime import datetime

from distribution.calls.story import tell_of
from distribution.models import Call
from tracing.call_events import CallEventCode

logger = logging.getLogger(__name__)


def bind(call: Call, sid: str, *, at: datetime) -> bool:
    """Needs the call's lock; the caller saves it. False: the carrier has another call for the same request.

    That one must be ended, and nothing that is said of it counts.
    """
    if call.carrier_sid in (None, sid):
        call.carrier_sid = sid
        return True
    logger.error("calls.second_call", extra={"call": str(call.public_id)})
    tell_of(call, CallEventCode.SECOND_CALL, at=at)
    return False
