"""A call at the carrier: its state, and how the API describes it."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final
from uuid import uuid4

from tests.carrier.accounts import Account
from tests.carrier.callees import Callee

API: Final = "/2010-04-01"
OVER: Final = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})
PRICE: Final = "-0.01400"


@dataclass
class PlacedCall:
    """Times are UNIX seconds. `ends_as`: how the call ends because the API asked for it."""

    number: int
    account: Account
    to: str
    from_number: str
    form: Mapping[str, list[str]]
    callee_name: str
    callee: Callee
    created_at: float
    queue_ms: int = 0
    sid: str = field(default_factory=lambda: f"CA{uuid4().hex}")
    status: str = "queued"
    answered_by: str = ""
    started_at: float | None = None
    answered_at: float | None = None
    ended_at: float | None = None
    duration_seconds: int | None = None
    recording_sid: str = ""
    keys: str = ""
    ended_by: str = ""
    ends_as: str = ""
    problem: str = ""
    sequence: int = 0
    questions: int = 0
    acts: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    task: asyncio.Task[None] | None = None
    # The notice that the next one follows, and those that wait for the next one.
    last_notice: asyncio.Task[None] | None = None
    held: list[asyncio.Event] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        return self.status in OVER

    def value(self, name: str, default: str = "") -> str:
        """The first value of a field of the form."""
        return next(iter(self.form.get(name, [])), default)

    def end(self, status: str, *, at: float, second_ms: float) -> None:
        self.status, self.ended_at = status, at
        if self.answered_at is not None:
            self.duration_seconds = math.ceil((at - self.answered_at) * 1000 / second_ms)

    def describe(self) -> dict[str, Any]:
        """The JSON of the API."""
        path = f"{API}/Accounts/{self.account.sid}/Calls/{self.sid}"
        return {
            "sid": self.sid,
            "account_sid": self.account.sid,
            "parent_call_sid": None,
            "to": self.to,
            "to_formatted": self.to,
            "from": self.from_number,
            "from_formatted": self.from_number,
            "phone_number_sid": "",
            "status": self.status,
            "direction": "outbound-api",
            "answered_by": self.answered_by or None,
            "date_created": write_time(self.created_at),
            "date_updated": write_time(self.ended_at or self.created_at),
            "start_time": write_time(self.started_at),
            "end_time": write_time(self.ended_at) if self.started_at else None,
            "duration": None if self.duration_seconds is None else str(self.duration_seconds),
            "price": PRICE if self.duration_seconds else None,
            "price_unit": "USD",
            "queue_time": str(self.queue_ms),
            "api_version": "2010-04-01",
            "annotation": None,
            "caller_name": None,
            "forwarded_from": None,
            "group_sid": None,
            "trunk_sid": None,
            "uri": f"{path}.json",
            "subresource_uris": {"recordings": f"{path}/Recordings.json"},
        }

    def record(self) -> dict[str, Any]:
        """For the test."""
        return {
            "sid": self.sid,
            "account": self.account.sid,
            "to": self.to,
            "from": self.from_number,
            "callee": self.callee_name,
            "status": self.status,
            "created_at": self.created_at,
            "started_at": self.started_at,
            "answered_at": self.answered_at,
            "ended_at": self.ended_at,
            "keys": self.keys,
            "ended_by": self.ended_by,
            "problem": self.problem,
        }


def write_time(at: float | None) -> str | None:
    return None if at is None else format_datetime(datetime.fromtimestamp(int(at), tz=UTC))
