"""What became of one try to distribute a lead."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID


class Left(StrEnum):
    """Why a lead was left alone without an attempt."""

    BUSY = "busy"  # another worker has it, or there is no such lead
    FINISHED = "finished"
    PAUSED = "paused"
    NOT_DUE = "not_due"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`left` is set when no attempt ran; otherwise `result` is the attempt's."""

    lead_id: int | None = None
    public_id: UUID | None = None
    left: Left | None = None
    attempt_id: UUID | None = None
    result: str = ""
    skip_reason: str = ""
    next_attempt_at: datetime | None = None
    assignments: tuple[UUID, ...] = ()
    charged_cents: int = 0
    duration_ms: float = 0.0
    is_traced: bool = False
    rule_id: int | None = None  # the routing rule that led to where it was decided
    duplicate_of: UUID | None = None
    cause: str = ""  # the exception that rolled it back

    @staticmethod
    def now() -> datetime:
        """This machine's clock, for how long to wait; whether a lead is due is decided by the database's."""
        return datetime.now(UTC)


LEFT_ALONE: Final = Outcome(left=Left.BUSY)
