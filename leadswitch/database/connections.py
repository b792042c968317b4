"""Counts the connections that the processes starting now may open against those that PostgreSQL has left."""

import logging
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import Error, connection

logger = logging.getLogger(__name__)

# What is left to roles without special rights: max_connections includes those that are reserved for others.
CONNECTIONS_LIMIT: Final = """(
    SELECT sum(CASE name WHEN 'max_connections' THEN setting::int ELSE -setting::int END)::int FROM pg_settings
    WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')
)"""
# Sessions of other roles are listed, without their statements; background processes have no database.
READ_ROOM: Final = f"""
SELECT {CONNECTIONS_LIMIT},
    (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL AND pid <> pg_backend_pid())
"""  # noqa: S608 - only constants are put in
# A reconciler takes its lock on a separate connection; a process has one such run at a time.
FOR_LOCKS: Final = 1


@dataclass(frozen=True, slots=True)
class ConnectionBudget:
    """`needed`: by the processes that start; `used`: by all others now; `limit`: for roles that are not superusers."""

    needed: int
    used: int
    limit: int

    @property
    def is_enough(self) -> bool:
        return self.used + self.needed <= self.limit


def count_needed(*, processes: int, threads: int) -> int:
    """Each thread keeps one connection for each database alias."""
    return processes * (threads * len(settings.DATABASES) + FOR_LOCKS)


def read_connection_budget(*, processes: int, threads: int) -> ConnectionBudget:
    with connection.cursor() as cursor:
        cursor.execute(READ_ROOM)
        limit, used = cursor.fetchone()
    return ConnectionBudget(count_needed(processes=processes, threads=threads), used, limit)


def warn_if_crowded(*, processes: int, threads: int) -> None:
    """Log a warning if there are too few connections. Behind PgBouncer, whose own limits count, clients wait."""
    if connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]:
        return
    try:
        budget = read_connection_budget(processes=processes, threads=threads)
    except Error as error:
        logger.warning("database.not_checked", extra={"cause": type(error).__name__})
        return
    finally:
        connection.close()  # a fork must not inherit it
    if not budget.is_enough:
        counts = {"needed": budget.needed, "used": budget.used, "limit": budget.limit}
        logger.warning("database.too_few_connections: raise max_connections", extra=counts)
