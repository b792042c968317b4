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
# A test whose endpoint has no test address: it is not sent, and never goes to the live address.
NO_TEST_ADDRESS: Final = "no test address"
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
    if judgment.error == NO_TEST_ADDRESS:
        return Next(DeliveryState.CANCELLED, reason=NO_TEST_ADDRESS)
    wait_seconds = wait_after(
        Retries.EVENT if claimed.is_event else Retries.LEAD,
        tries=claimed.number,
        seed=claimed.seed,
        retry_after_seconds=judgment.retry_after_seconds,
    )
    if wait_seconds is not None:
        return Next(DeliveryState.PENDING, due_at=at + timedelta(seconds=wait_seconds))
    is_impossible = judgment.outcome is Outcome.NOT_SENT and not claimed.may_have_arrived
    if is_impossible and claimed.is_direct_post:
        return Next(DeliveryState.REJECTED, reason=UNREACHABLE)
    return Next(DeliveryState.UNKNOWN, reason=judgment.error)
