"""One attempt with all its tries: what the next try, the verdict and the report need from earlier tries."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from distribution.attempts.record import AttemptRecord
from distribution.attempts.restart import LockWait
from routing.leads import crash_marks
from routing.locks.attempts import LockedLead


class Stage(StrEnum):
    """How far a try has come. The benches measure time by it."""

    LOCK = "lock"
    LOCKED = "locked"
    ROUTED = "routed"
    DECIDED = "decided"


def _ignore(stage: Stage) -> None:
    """The default: the attempt is not timed."""


@dataclass(slots=True)
class RunningAttempt:
    """A rollback does not change it. `at` None: the database's clock at each lock of the lead.

    `lead`: the row that the latest try locked. `locked`: the same lead as its first try found it. `is_leased` False: no
    lease shows that a process was lost with the lead, so a mark does.
    """

    lock: Callable[[], LockedLead | None]
    wait: LockWait
    at: datetime | None = None
    is_leased: bool = True
    lead: LockedLead | None = None
    locked: LockedLead | None = None
    record: AttemptRecord | None = None
    lock_ms: float = 0.0
    locked_seconds: float = 0.0  # time.perf_counter() when `locked` was locked
    on_stage: Callable[[Stage], object] = _ignore
    marked: set[int] = field(default_factory=set)

    def lock_lead(self) -> LockedLead | None:
        """Begin a try: lock the lead in an open transaction. None: no such lead, or another worker has it."""
        earlier, self.record = self.lead, None
        started = time.perf_counter()
        try:
            lead = self.lead = self.lock()
        finally:
            self.lock_ms = round((time.perf_counter() - started) * 1000, 3)
        if lead is None:
            return None
        if earlier is not None and earlier.id != lead.id:
            # Another worker took the lead that needed the wait.
            self.wait = replace(self.wait, enrollment_ids=frozenset())
        if self.locked is None or self.locked.id != lead.id:
            self.locked, self.locked_seconds = lead, time.perf_counter()
        return lead

    def mark(self, lead: LockedLead) -> bool:
        """Mark the lead unless it is leased. Returns whether an earlier process was lost with this lead."""
        if self.is_leased:
            return False
        self.marked.add(lead.id)
        return crash_marks.begin(lead)

    def unmark(self) -> None:
        """End the marks: this process survived the try. Call it before a rollback unlocks the lead."""
        while self.marked:
            crash_marks.end(self.marked.pop())
