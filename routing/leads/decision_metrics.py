"""Counts decisions about leads for the service objectives: how long they took, and whether they were in time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from routing.locks.attempts import after_pause
from routing.metrics.leads import (
    DUE_TO_DECISION_SECONDS,
    LEADS_DECIDED,
    LEADS_EXPIRED,
    RECEIPT_TO_DECISION_SECONDS,
    RETRIES_ENTERED,
)
from routing.retry import Tries
from tracing.models import AttemptResult
from tracing.skip_reasons import SKIP_REASONS

# A lead that is decided later than this after it was due counts as late.
DEADLINE: Final = timedelta(seconds=60)
# A lead that is decided later than this counts as slow.
PROMPT: Final = timedelta(seconds=2)
# Results after which the lead waits in the retry queue.
RETRIED: Final = frozenset({AttemptResult.RETRY, AttemptResult.DEFERRED})

# Results after which the lead is not tried again, and that may be the fault of the product.
ENDED: Final = frozenset({AttemptResult.FAILED, AttemptResult.SUCCESS})


class DecisionOutcome(StrEnum):
    ON_TIME = "on_time"  # includes duplicates and leads that no buyer could take
    LATE = "late"
    SYSTEM_FAILED = "system_failed"  # LeadSwitch failed and does not try again


class WaitingLead(Protocol):
    """The row of a lead as its attempt locked it."""

    @property
    def received_at(self) -> datetime: ...
    @property
    def resumed_at(self) -> datetime | None: ...
    @property
    def due_since(self) -> datetime | None: ...
    @property
    def attempts(self) -> int: ...
    @property
    def tries(self) -> Tries: ...


@dataclass(frozen=True, slots=True)
class Waited:
    """How long a lead waited for a decision. `since_due` None: it was paused or not due.

    `since_receipt` None: it was paused or not due, or this is not its first decision.
    """

    since_due: timedelta | None = None
    since_receipt: timedelta | None = None


NO_WAIT: Final = Waited()


def measure_wait(lead: WaitingLead, *, decided_at: datetime) -> Waited:
    """Measure how long a lead waited. Time before its latest pause ended does not count (decisions/0062)."""
    if lead.due_since is None:
        return NO_WAIT
    received = after_pause(lead.received_at, lead.resumed_at)
    # Only retries have preceded the first decision: any other end resets the tries.
    is_first = lead.attempts == lead.tries.conflicts + lead.tries.errors
    return Waited(decided_at - lead.due_since, decided_at - received if is_first else None)


def count_decision(result: str, reason: str, waited: Waited) -> None:
    """Count the end of one attempt, after its commit. An attempt that is retried has not decided the lead.

    `reason`: why the lead is not sold, or why no other buyer gets it.
    """
    if result in RETRIED:
        RETRIES_ENTERED.inc()
    if result == AttemptResult.EXPIRED:
        LEADS_EXPIRED.inc()
    if result == AttemptResult.RETRY:
        return
    LEADS_DECIDED.labels(outcome=_classify(result, reason, waited).value).inc()
    if waited.since_due is not None:
        DUE_TO_DECISION_SECONDS.observe(max(0.0, waited.since_due.total_seconds()))
    if waited.since_receipt is not None:
        RECEIPT_TO_DECISION_SECONDS.observe(max(0.0, waited.since_receipt.total_seconds()))


def is_system_failure(result: str, reason: str) -> bool:
    """Whether LeadSwitch failed and does not try again. A lead that a buyer has is sold, but no other one gets it."""
    return result in ENDED and bool(reason) and SKIP_REASONS[reason].is_system_failure


def _classify(result: str, reason: str, waited: Waited) -> DecisionOutcome:
    if is_system_failure(result, reason):
        return DecisionOutcome.SYSTEM_FAILED
    is_late = waited.since_due is not None and waited.since_due > DEADLINE
    return DecisionOutcome.LATE if is_late else DecisionOutcome.ON_TIME
