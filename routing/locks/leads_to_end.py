"""Row locks on leads that end from outside an attempt: claimed, stale, expired, or lost with their workers."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from django.db import connection

from routing.locks.attempts import SOURCES, LeadUnderLock, after_pause


@dataclass(frozen=True, slots=True)
class LeadToEnd(LeadUnderLock):
    """What is needed to end a lead's attempt from outside. `locked_by` and `locked_at` are those of its claim."""

    locked_by: str
    locked_at: datetime | None

    @property
    def due_since(self) -> datetime | None:
        """As LockedLead.due_since, or since its claim began. None: it is paused, or waits for someone else."""
        return (
            None if self.is_paused else after_pause(self.next_attempt_at or self.locked_at, self.resumed_at)
        )


_HELD: Final = ", ".join(SOURCES.get(each.name, f"l.{each.name}") for each in fields(LeadToEnd))
_HELD_FROM: Final = "routing_lead l JOIN routing_workspace w ON w.id = l.workspace_id"

LOCK_UNVERIFIED: Final = f"""
SELECT {_HELD} FROM {_HELD_FROM}
WHERE l.id = %s AND l.status IN ('gated', 'calling')
FOR NO KEY UPDATE OF l
"""  # noqa: S608 - only constant lists are put in
LOCK_AT_ONCE: Final = f"""
SELECT {_HELD} FROM {_HELD_FROM}
WHERE l.id = %s
FOR NO KEY UPDATE OF l NOWAIT
"""  # noqa: S608 - only constant lists are put in
LOCK_WAITING: Final = f"""
SELECT {_HELD} FROM {_HELD_FROM}
WHERE l.id = %s AND l.status IN ('pending', 'offered') AND l.paused_at IS NULL
FOR NO KEY UPDATE OF l SKIP LOCKED
"""  # noqa: S608 - only constant lists are put in
LOCK_STALE: Final = f"""
SELECT {_HELD} FROM {_HELD_FROM}
WHERE l.status = 'calling' AND l.locked_at < %s
ORDER BY l.locked_at, l.id
LIMIT %s
FOR NO KEY UPDATE OF l SKIP LOCKED
"""  # noqa: S608 - only constant lists are put in
# A claimed lead belongs to its owner. When the claim ends, the lead is due again, and expires then.
LOCK_EXPIRED: Final = f"""
SELECT {_HELD} FROM {_HELD_FROM}
WHERE l.status IN ('pending', 'gated', 'offered') AND l.expires_at <= %s
ORDER BY l.expires_at, l.id
LIMIT %s
FOR NO KEY UPDATE OF l SKIP LOCKED
"""  # noqa: S608 - only constant lists are put in


def lock_unverified_lead(lead_id: int) -> LeadToEnd | None:
    """Lock a lead that waits for its verification or is being called, waiting up to lock_timeout. None: it does not."""
    held = _lock(LOCK_UNVERIFIED, [lead_id])
    return held[0] if held else None


def lock_lead_at_once(lead_id: int) -> LeadToEnd:
    """Lock a lead in whatever state, without waiting. Raises OperationalError if it is locked.

    For who has locks that come after it in the order.
    """
    [held] = _lock(LOCK_AT_ONCE, [lead_id])
    return held


def lock_waiting_lead(lead_id: int) -> LeadToEnd | None:
    """Lock a lead that waits for an attempt. None: it is locked, paused, or waits for none."""
    held = _lock(LOCK_WAITING, [lead_id])
    return held[0] if held else None


def lock_stale_leads(*, before: datetime, limit: int) -> list[LeadToEnd]:
    """Lock leads whose claim began before then, the oldest first."""
    return _lock(LOCK_STALE, [before, limit])


def lock_expired_leads(*, at: datetime, limit: int) -> list[LeadToEnd]:
    """Lock unfinished leads that had expired at `at`, the longest first, except claimed ones."""
    return _lock(LOCK_EXPIRED, [at, limit])


def _lock(sql: str, parameters: list[Any]) -> list[LeadToEnd]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [LeadToEnd(*row) for row in cursor.fetchall()]
