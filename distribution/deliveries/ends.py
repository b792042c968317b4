"""What follows from the outcome of a try: the end of the delivery, another try, or a person who decides. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from distribution.attempts.taken_back import TAKEN_BACK
from distribution.deliveries.claim import Claimed
from distribution.deliveries.ended_subscriptions import SUBSCRIPTION_ENDED
from distribution.deliveries.outbound import CONNECT_SECONDS, Failure
from distribution.deliveries.payloads.ends import Judgment, Outcome
from distribution.deliveries.payloads.retries import Retries, wait_after
from distribution.deliveries.standing import Standing
from distribution.models import OPEN, DeliveryState

# The end of a direct post whose tries all failed before anything was sent. The buyer cannot have the lead.
UNREACHABLE: Final = "unreachable"
# A test whose endpoint has no test address: it is not sent, and never goes to the live address.
NO_TEST_ADDRESS: Final = "no test address"
# It waited too long for a thread of its deliverer, which has more to send than it can.
NO_THREAD: Final = "no_free_thread"
# A direct post to an endpoint that became an email: a mail server that takes a message accepts no lead.
CANNOT_ANSWER: Final = "method_cannot_answer"
# The end of an event that no try brought to its subscriber. Nobody has to decide about it.
GIVEN_UP: Final = "all tries failed"
ENDS: Final = {Outcome.ACCEPTED: DeliveryState.ACCEPTED, Outcome.REJECTED: DeliveryState.REJECTED}
# Why nothing can be sent until a person corrects the endpoint: another try would fail in the same way.
MISCONFIGURED: Final = frozenset(
    {
        *(
            "template_invalid",
            "headers_invalid",
            "no_secret",
            "secret_unreadable",
            "no_content",
            NO_TEST_ADDRESS,
            CANNOT_ANSWER,
        ),
        *(Failure.BAD_URL.value, Failure.BAD_HEADER.value, Failure.REFUSED_ADDRESS.value),
    }
)


@dataclass(frozen=True, slots=True)
class Next:
    """The delivery after a try. `due_at` is set exactly if it is tried again."""

    state: DeliveryState
    due_at: datetime | None = None
    reason: str = ""


def decide_next(claimed: Claimed, judgment: Judgment, standing: Standing, *, at: datetime) -> Next | None:
    """`standing`: read under the delivery's lock. None: the delivery stays unchanged.

    A result that comes after its lease was lost counts only if the buyer accepted the message.
    """
    if standing.is_recorded:
        return None
    if not standing.is_current:
        is_news = judgment.outcome is Outcome.ACCEPTED and standing.state in OPEN
        return Next(DeliveryState.ACCEPTED) if is_news else None
    if judgment.outcome in ENDS:
        return _decide_answer(claimed, judgment, standing)
    if standing.is_taken_back:
        return Next(DeliveryState.CANCELLED, reason=TAKEN_BACK)
    if standing.is_unwanted:
        return Next(DeliveryState.CANCELLED, reason=SUBSCRIPTION_ENDED)
    return _decide_retry(claimed, judgment, standing, at=at)


def _decide_answer(claimed: Claimed, judgment: Judgment, standing: Standing) -> Next:
    """A buyer's system that took the lead before may refuse the repetition, e.g. as a duplicate."""
    is_doubtful = judgment.outcome is Outcome.REJECTED and standing.may_have_arrived
    if is_doubtful and claimed.is_direct_post:
        return Next(DeliveryState.UNKNOWN, reason=judgment.reason)
    return Next(ENDS[judgment.outcome], reason=judgment.reason)


def _decide_retry(claimed: Claimed, judgment: Judgment, standing: Standing, *, at: datetime) -> Next:
    if judgment.error == NO_TEST_ADDRESS and not claimed.is_direct_post:
        return Next(DeliveryState.CANCELLED, reason=NO_TEST_ADDRESS)
    is_impossible = judgment.outcome is Outcome.NOT_SENT and not standing.may_have_arrived
    is_asked_only = claimed.is_direct_post and is_impossible
    if is_asked_only and judgment.error in MISCONFIGURED:
        return Next(DeliveryState.REJECTED, reason=judgment.error)
    wait_seconds = wait_after(
        Retries.EVENT if claimed.is_event else Retries.LEAD,
        tries=claimed.number,
        seed=claimed.seed,
        retry_after_seconds=judgment.retry_after_seconds,
    )
    due_at = None if wait_seconds is None else at + timedelta(seconds=wait_seconds)
    if is_asked_only and _is_too_late(due_at, standing):
        return Next(DeliveryState.REJECTED, reason=UNREACHABLE)
    if due_at is not None:
        return Next(DeliveryState.PENDING, due_at=due_at)
    if claimed.is_event:
        return Next(DeliveryState.CANCELLED, reason=GIVEN_UP)
    return Next(DeliveryState.UNKNOWN, reason=judgment.error)


def _is_too_late(due_at: datetime | None, standing: Standing) -> bool:
    """Whether a try that is due then, and fails again, would end after the time for this buyer."""
    if due_at is None:
        return True
    limit = standing.gives_up_at
    return limit is not None and due_at + timedelta(seconds=CONNECT_SECONDS) > limit
