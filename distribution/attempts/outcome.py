"""The outcome of a request to distribute one lead."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from routing.locks.attempts import LockedLead
from routing.models import LeadStatus
from tracing.models import AttemptResult

STATUS_AFTER: Final = {
    AttemptResult.SUCCESS: LeadStatus.DISTRIBUTED,
    AttemptResult.UNSOLD: LeadStatus.FAILED,
    AttemptResult.FAILED: LeadStatus.FAILED,
    AttemptResult.DEFERRED: LeadStatus.PENDING,
    AttemptResult.RETRY: LeadStatus.PENDING,
    AttemptResult.EXPIRED: LeadStatus.EXPIRED,
    AttemptResult.DUPLICATE: LeadStatus.DUPLICATE,
    AttemptResult.POSTING: LeadStatus.POSTING,
    AttemptResult.REJECTED: LeadStatus.PENDING,
    AttemptResult.OFFERED: LeadStatus.OFFERED,
    AttemptResult.GATED: LeadStatus.GATED,
}


class NotRun(StrEnum):
    """Why no attempt ran."""

    BUSY = "busy"  # another worker has it, or there is no such lead
    FINISHED = "finished"
    PAUSED = "paused"
    NOT_DUE = "not_due"
    LOST_BEFORE = "lost_before"  # the process that began its last attempt is gone, which was counted instead


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """`not_run` is set when no attempt ran; otherwise `result` is the attempt's. `locked`: the row as it was locked."""

    lead_id: int | None = None
    public_id: UUID | None = None
    locked: LockedLead | None = None
    not_run: NotRun | None = None
    attempt_id: UUID | None = None
    result: str = ""
    skip_reason: str = ""
    next_attempt_at: datetime | None = None
    assignments: tuple[UUID, ...] = ()
    charged_cents: int = 0
    duration_ms: float = 0.0
    is_traced: bool = False
    rule_id: int | None = None  # the last routing rule on its route
    duplicate_of: UUID | None = None  # the lead that came first

    @property
    def status(self) -> str:
        """The lead's status after the attempt; "" if none ran."""
        return STATUS_AFTER[AttemptResult(self.result)].value if self.result else ""

    @property
    def waits_again(self) -> bool:
        """Whether the attempt left the lead with a new due time, or a buyer's system may have set one since."""
        return self.result in WAITING


WAITING: Final = (
    AttemptResult.RETRY,
    AttemptResult.DEFERRED,
    AttemptResult.POSTING,
    AttemptResult.OFFERED,
)
