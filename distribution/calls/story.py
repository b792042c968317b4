"""Writes the story of verifications and calls: one row each, in the transaction of what happened."""

from datetime import datetime
from typing import Any

from distribution.models import Call, CallEvent
from tracing.call_events import CallEventCode


def tell(
    code: CallEventCode,
    /,
    *,
    at: datetime,
    verification_id: int | None = None,
    call_id: int | None = None,
    **data: Any,
) -> None:
    """`data`: as the code says in tracing/call_events.py. Nothing that identifies a person."""
    CallEvent.objects.create(
        verification_id=verification_id, call_id=call_id, at=at, code=code.value, data=data
    )


def tell_of(call: Call, code: CallEventCode, /, *, at: datetime, **data: Any) -> None:
    tell(code, at=at, verification_id=call.verification_id, call_id=call.pk, **data)
