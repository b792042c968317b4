"""Refuses to start a process if the database would make the product run badly without an error.

The checks use a real connection, because a URL, a pooler or a role may change the limits. A database that does not
answer is not refused: the product recovers from that.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connection
from redis.exceptions import RedisError

from leadswitch.database.connections import warn_if_crowded
from leadswitch.database.limits import session_limits
from leadswitch.start import one_line_failures
from routing.dispatch import installation

logger = logging.getLogger(__name__)

OLDEST, NEWEST = 15, 18
READ_ROLE: Final = """
SELECT current_setting('server_version_num')::int / 10000, current_user::text, r.rolsuper
FROM pg_roles r WHERE r.rolname = current_user
"""
READ_LIMITS: Final = "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)"


class DatabaseUnfit(ImproperlyConfigured):
    """The product must not run on this database; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Session:
    """What the server reports about a session of this process."""

    version: int
    role: str
    is_superuser: bool
    limits: Mapping[str, str]


def begin(*, processes: int = 1, threads: int = 1) -> None:
    """Call this in each serving process before it serves and forks, with its number of processes and threads.

    Ends the process with one line on stderr if the database is unfit or Redis belongs to another installation.
    """
    with one_line_failures():
        check_database()
        check_redis()
    warn_if_crowded(processes=processes, threads=threads)


def check_database() -> None:
    """Raises DatabaseUnfit. A database that does not respond is logged."""
    try:
        session = read_session(session_limits(settings.LEADSWITCH_ROLE))
    except Error as error:
        refuse_startup_options(str(error))
        logger.warning("database.not_checked", extra={"cause": type(error).__name__})
    else:
        judge(session)
    finally:
        connection.close()  # a fork must not inherit it


def check_redis() -> None:
    """Raises routing.dispatch.installation.OtherInstallation. A server that does not respond is logged."""
    try:
        installation.check()
    except Error as error:  # the name of the installation is in PostgreSQL
        logger.warning("database.not_checked", extra={"cause": type(error).__name__})
    except RedisError as error:
        logger.warning("redis.not_checked", extra={"cause": type(error).__name__})
    finally:
        connection.close()  # a fork must not inherit it


def read_session(expected: Mapping[str, str]) -> Session:
    with connection.cursor() as cursor:
        cursor.execute(READ_ROLE)
        version, role, is_superuser = cursor.fetchone()
        cursor.execute(READ_LIMITS, [list(expected)])
        limits = dict(cursor.fetchall())
    return Session(version, role, is_superuser, limits)


def judge(session: Session) -> None:
    refuse_version(session.version)
    refuse_limits(session)
    refuse_superuser(session)


def refuse_version(version: int) -> None:
    if not OLDEST <= version <= NEWEST:
        message = (
            f"PostgreSQL {version} is not supported: LeadSwitch runs on PostgreSQL {OLDEST} to {NEWEST}."
        )
        raise DatabaseUnfit(message)


def refuse_limits(session: Session) -> None:
    expected = session_limits(settings.LEADSWITCH_ROLE)
    wrong = [
        f"{name} is {session.limits.get(name, 'unknown')} instead of {value}"
        for name, value in expected.items()
        if session.limits.get(name) != value
    ]
    if wrong:
        command = f"LEADSWITCH_ROLE={settings.LEADSWITCH_ROLE} manage.py set_role_limits"
        raise DatabaseUnfit(
            f"Sessions of {session.role} do not have the limits of a {settings.LEADSWITCH_ROLE} process:"
            f" {'; '.join(wrong)}. Behind a pooler run `{command}` as that role (docs/pgbouncer.md);"
            " otherwise remove `options` from DATABASE_URL."
        )


def refuse_superuser(session: Session) -> None:
    if session.is_superuser and not settings.LEADSWITCH_ALLOW_SUPERUSER:
        raise DatabaseUnfit(
            f"The database role {session.role} is a superuser, who can change append-only tables."
            " Use a plain role that owns the database (docs/pgbouncer.md), or set LEADSWITCH_ALLOW_SUPERUSER=true."
        )


def refuse_startup_options(text: str) -> None:
    """Raise DatabaseUnfit for the error that PgBouncer reports about an unknown parameter."""
    if "unsupported startup parameter" in text:
        raise DatabaseUnfit(
            "DATABASE_URL points to a pooler that refuses startup options: set"
            " LEADSWITCH_PGBOUNCER=true and set the limits of the role with `manage.py"
            " set_role_limits` (docs/pgbouncer.md)."
        )
