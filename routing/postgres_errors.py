"""Classifies errors of PostgreSQL: did the statement fail, or the server or the connection to it?

During an outage the server fails, not the statement: the caller tries again later, on a new connection.
"""

from typing import Final

from django.db import DatabaseError, InterfaceError, OperationalError

from routing.redis.breaker import Breaker

# connection_exception; operator_intervention: shut down, crashed, starting up; system_error: the disk fails.
OUTAGE_CLASSES: Final = ("08", "57", "58")
QUERY_CANCELED: Final = "57014"
READ_ONLY: Final = "25006"
DISK_FULL: Final = "53100"
# Read-only: in recovery (demoted, or a standby), or by a setting. The others: disk full, out of memory, too many
# connections.
OUTAGE_STATES: Final = frozenset({READ_ONLY, DISK_FULL, "53200", "53300"})
# feature_not_supported, from the function of the server that checks whether a prepared statement is still valid.
OLD_PLAN: Final = ("0A000", "RevalidateCachedQuery")
# Open for a while after a write of this process was refused by a server that responds: then it is not ready.
REFUSED_WRITES: Final = Breaker(lambda: 5.0)


def sqlstate_of(error: BaseException) -> str:
    """ "" when the server did not say."""
    return getattr(error.__cause__, "sqlstate", None) or ""


def is_old_plan(error: BaseException) -> bool:
    """Whether a prepared statement would return other columns than when it was prepared: a migration came in between.

    The statement did nothing. The rollback makes the connection drop its prepared statements (decisions/0043).
    """
    diagnosis = getattr(error.__cause__, "diag", None)
    return (sqlstate_of(error), getattr(diagnosis, "source_function", None)) == OLD_PLAN


def is_outage(error: BaseException) -> bool:
    """Whether the server cannot run any statement now. Also true for an old plan, which the next try replaces."""
    if isinstance(error, InterfaceError) or is_old_plan(error):
        return True
    state = sqlstate_of(error)
    if state == "":
        return isinstance(error, OperationalError)
    is_of_class = state[:2] in OUTAGE_CLASSES and state != QUERY_CANCELED
    return isinstance(error, DatabaseError) and (is_of_class or state in OUTAGE_STATES)


def is_statement_timeout(error: BaseException) -> bool:
    """Whether the server canceled the statement: it took too long, or an operator canceled it."""
    return sqlstate_of(error) == QUERY_CANCELED


def note_refusal(error: BaseException) -> None:
    """Have /readyz report a write that the server refused: read-only, disk full, or a failing disk."""
    state = sqlstate_of(error)
    if state in (READ_ONLY, DISK_FULL) or state.startswith("58"):
        REFUSED_WRITES.trip()
