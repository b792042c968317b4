"""What follows from the outcome of a try: the end of the delivery, another try, or a person who decides. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from distribution.deliveries.claim import Claimed
from distribution.deliveries.payloads.ends import Judgment, Outcome
from distribution.deliveries.payloads.retries import Retries, wait_after
from distribution.models import DeliveryState

# The end of a direct post whose tries all failed before anything was sent. The buyer cannot have the lead.
UNREACHABLE: Final = "unreachable"
# The end of an event that no try brought to its subscriber. Nobody has to decide about it.
GIVEN_UP: Final = "all tries failed"
ENDS: Final = {Outcome.ACCEPTED: DeliveryState.ACCEPTED, Outcome.REJECTED: DeliveryState.REJECTED}


@dataclass(frozen=True, slots=True)
class Next:
    """The delivery after a try. `due_at` is set exactly if it is tried again."""

    state: DeliveryState
    due_at: datetime | None = None
    reason: str = ""


def decide_next(claimed: Claimed, judgment: Judgment, *, at: datetime) -> Next:
    if judgment.outcome in ENDS:
        return Next(ENDS[judgment.outcome], reason=judgment.reason)
    wait_seconds = wait_after(
        Retries.EVENT if claimed.is_event else Retries.LEAD,
        tries=claimed.number,
        seed=claimed.message_id.int & 0xFFFF_FFFF,
        retry_after_seconds=judgment.retry_after_seconds,
    )
    if wait_seconds is not None:
        return Next(DeliveryState.PENDING, due_at=at + timedelta(seconds=wait_seconds))
    if claimed.is_event:
        return Next(DeliveryState.CANCELLED, reason=GIVEN_UP)
    is_impossible = judgment.outcome is Outcome.NOT_SENT and not claimed.may_have_arrived
    if is_impossible and claimed.is_direct_post:
        return Next(DeliveryState.REJECTED, reason=UNREACHABLE)
    return Next(DeliveryState.UNKNOWN, reason=judgment.error)
