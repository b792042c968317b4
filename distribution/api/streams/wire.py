"""Server-sent events as bytes (https://html.spec.whatwg.org/multipage/server-sent-events.html), and their ids.

The id of an event is its moment, sealed like a cursor: it names no row, and another buyer cannot use it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from routing.access.cursor import seal, unseal

# Clients connect again this long after a stream has ended.
RETRY: Final = b"retry: 2000\n\n"
HEARTBEAT: Final = b": heartbeat\n\n"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)


def encode_event(name: str, data: Mapping[str, Any], *, at: datetime, buyer_id: int) -> bytes:
    head = f"id: {seal_moment(at, buyer_id=buyer_id)}\nevent: {name}\ndata: "
    return head.encode() + orjson.dumps(data) + b"\n\n"


def encode_end(reason: str) -> bytes:
    """The last event has no id: a client continues after the one before it."""
    return b"event: end\ndata: " + orjson.dumps({"reason": reason}) + b"\n\n"


def seal_moment(at: datetime, *, buyer_id: int) -> str:
    return seal((at - EPOCH) // MICROSECOND, purpose=_purpose(buyer_id))


def unseal_moment(text: str, *, buyer_id: int) -> datetime:
    """Raises BadCursor."""
    return EPOCH + MICROSECOND * unseal(text, purpose=_purpose(buyer_id))


def _purpose(buyer_id: int) -> str:
    return f"offers-stream:{buyer_id}"
