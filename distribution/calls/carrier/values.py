"""What goes to a carrier, and what it says. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

MICROS: Final = 1_000_000
OVER: Final = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})


class DialOutcome(StrEnum):
    """What is known about a request to place a call."""

    PLACED = "placed"  # the carrier has the call, and gave its id
    NOT_PLACED = "not_placed"  # the carrier has no such call
    THROTTLED = "throttled"  # the carrier has no such call, and takes it later
    UNKNOWN = "unknown"  # the carrier may have the call: ask it before anything else


class Problem(StrEnum):
    """Why a call was not placed, or why that is not known. Codes never change."""

    NONE = ""
    INVALID_PHONE = "invalid_phone"  # no such phone: final for the lead
    PHONE_REFUSED = "phone_refused"  # the carrier calls this phone from no number
    NUMBER_REFUSED = "number_refused"  # the account may not call from this number
    ACCOUNT_REFUSED = "account_refused"  # wrong token, or the account is suspended
    ACCOUNT_LIMITED = "account_limited"  # a trial account, or a feature that it lacks
    CONCURRENCY = "concurrency"  # the account has as many calls as it may
    QUEUE_FULL = "queue_full"  # the carrier has a day of calls in its queue
    GEO = "geo"  # the account may not call this country
    THROTTLED = "throttled"  # too many requests
    REFUSED = "refused"  # another refusal: `code` says which
    BAD_SETTINGS = "bad_settings"  # the carrier's URL or the account's id cannot be used
    UNREACHABLE = "unreachable"  # no connection
    SENT_TOO_LATE = "sent_too_late"  # the dialer had stopped for a while, so it sent no request
    NO_ANSWER = "no_answer"  # no answer in time, or the connection was cut
    CARRIER_FAILED = "carrier_failed"  # the carrier reports an error of its own
    BAD_ANSWER = "bad_answer"  # an answer that cannot be read, or without the id of the call


class EndStatus(StrEnum):
    """How a call is ended: canceled while it waits or rings, completed at any time."""

    COMPLETED = "completed"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class PlaceCall:
    """A call to place. Numbers are E.164. The URLs are ours and name the call, never the person."""

    to: str = field(repr=False)
    from_number: str = field(repr=False)
    script_url: str
    status_url: str
    ring_seconds: int = 30
    time_limit_seconds: int = 120
    detects_machines: bool = True
    records: bool = False
    recording_url: str = ""


@dataclass(frozen=True, slots=True)
class Dialed:
    """What became of a request to place a call.

    `code`: the carrier's error code, else the HTTP status or the failure of the connection. `queue_ms`: how long the
    carrier keeps the call in its queue before it dials.
    """

    outcome: DialOutcome
    sid: str = ""
    code: str = ""
    problem: Problem = Problem.NONE
    retry_after_seconds: float | None = None
    queue_ms: int = 0


@dataclass(frozen=True, slots=True)
class CallSeen:
    """A call as the carrier describes it. `price` is negative or zero, as the carrier charges it."""

    sid: str
    status: str
    to: str = field(repr=False)
    from_number: str = field(repr=False)
    answered_by: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_seconds: int | None = None
    price: Decimal | None = None
    currency: str = ""

    @property
    def is_over(self) -> bool:
        return self.status in OVER

    @property
    def cost_micros(self) -> int | None:
        """What the call cost, in millionths of the currency. None: the carrier does not know it yet."""
        return None if self.price is None else int(abs(self.price) * MICROS)


@dataclass(frozen=True, slots=True)
class AccountSeen:
    """`status`: active, suspended or closed. `kind`: Full or Trial, which may only call verified phones."""

    status: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Recording:
    content: bytes = field(repr=False)
    content_type: str
