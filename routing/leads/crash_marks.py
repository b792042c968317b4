"""Finds leads that crash their worker when no lease in Redis shows it: in poll mode, and while Redis is away.

Each lead is marked before its attempt and unmarked after it, on a separate connection, because the attempt's
transaction is open. A mark of another process on the same try of a lead means that this process died: the reader holds
the lead's lock, and a process that survives an attempt removes its mark, after a rollback before the lock is free.
"""

import logging
import os
import socket
from functools import cache
from secrets import token_hex
from typing import Final

from django.db import DatabaseError, InterfaceError, connections

from routing.locks.attempts import LockedLead
from routing.metrics.leads import MARKS_FAILED

logger = logging.getLogger(__name__)

CONNECTION: Final = "verdict"
# A mark may be lost when the server crashes, so its commit does not wait for the disk.
QUICK: Final = "(SELECT set_config('synchronous_commit', 'off', true)) AS quick"
MARK: Final = f"""
INSERT INTO routing_begun AS known (lead_id, attempts, due_at, owner, begun_at)
SELECT %s, %s, %s, %s, clock_timestamp() FROM {QUICK}
ON CONFLICT (lead_id) DO UPDATE SET attempts = excluded.attempts, due_at = excluded.due_at, owner = excluded.owner,
    begun_at = excluded.begun_at, is_lost = known.owner <> excluded.owner
        AND (known.attempts, known.due_at) = (excluded.attempts, excluded.due_at)
RETURNING is_lost
"""  # noqa: S608 - only a constant is put in
# Compares the owner: the next process that runs the lead may already have marked it.
UNMARK: Final = f"""
DELETE FROM routing_begun USING {QUICK} WHERE lead_id = ANY(%s) AND owner = %s
"""  # noqa: S608 - as above
# Leads that this process still has to unmark, because the database was away. It retries with the next mark.
TO_UNMARK: Final[set[int]] = set()
MAX_TO_UNMARK: Final = 1_000


def begin(lead: LockedLead) -> bool:
    """Mark a lead whose attempt begins. Needs the lock of its row.

    Returns whether another process began this try and died before it wrote an attempt. A mark that cannot be written is
    logged and counted; it does not stop the attempt.
    """
    try:
        _unmark_ended()
        with connections[CONNECTION].cursor() as cursor:
            cursor.execute(MARK, [lead.id, lead.attempts, lead.next_attempt_at, _owner(os.getpid())])
            return bool(cursor.fetchone()[0])
    except (DatabaseError, InterfaceError) as error:
        _log_failure("begin", error)
        return False


def end(lead_id: int) -> None:
    """Remove the mark, because the process survived. Call it before a rollback releases the lead. Never raises."""
    if len(TO_UNMARK) < MAX_TO_UNMARK:
        TO_UNMARK.add(lead_id)
    try:
        _unmark_ended()
    except (DatabaseError, InterfaceError) as error:
        _log_failure("end", error)


def _unmark_ended() -> None:
    if lead_ids := list(TO_UNMARK):
        with connections[CONNECTION].cursor() as cursor:
            cursor.execute(UNMARK, [lead_ids, _owner(os.getpid())])
        TO_UNMARK.difference_update(lead_ids)


def _log_failure(step: str, error: Exception) -> None:
    cause = type(error).__name__
    MARKS_FAILED.labels(step=step, cause=cause).inc()
    logger.warning("routing.mark_failed", extra={"operation": step, "cause": cause})
    connections[CONNECTION].close_if_unusable_or_obsolete()


@cache
def _owner(pid: int) -> str:
    """An owner unique to this process. Process ids repeat, also in the next container with the same host name."""
    return f"{socket.gethostname()[:60]}:{pid}:{token_hex(4)}"
