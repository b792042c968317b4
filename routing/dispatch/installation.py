"""Which installation owns this Redis. Two under one prefix would claim and lose each other's leads.

An installation is named by its database: the server's system identifier and the database's oid, which do not change
with a restart, a failover or an upgrade of the product. The leading dispatcher holds the name in Redis while it leads;
every process checks it before it serves. The name expires in seconds, so that a database restored into another server
can take over. A database that is restored in place gets a new name, too: running processes read it again.
"""

from collections.abc import Callable
from functools import cache
from typing import ClassVar, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connection

from routing.dispatch.schedule import TIMEOUT_SECONDS, run_script
from routing.postgres_errors import sqlstate_of
from routing.redis.client import get_client
from routing.redis.keys import installation_key

READ: Final = """
SELECT system_identifier || '.' || (SELECT oid FROM pg_database WHERE datname = current_database())
FROM pg_control_system()
"""
# A hosted server may not show its identifier: no such function, no right to call it, not supported, no such file. Then
# nothing is checked. It must not look like an outage, in which no dispatcher leads.
NOT_SHOWN: Final = frozenset({"42", "0A", "58", "XX"})
# The last key: installation. ARGV: name, ms, the name that the caller held before. Returns whose name is held.
HOLD: Final = """
local holder = redis.call('GET', KEYS[#KEYS])
if holder and holder ~= ARGV[1] and holder ~= ARGV[3] then return holder end
redis.call('SET', KEYS[#KEYS], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
"""
# The last key: installation. ARGV: name.
RELEASE: Final = (
    "if redis.call('GET', KEYS[#KEYS]) == ARGV[1] then return redis.call('UNLINK', KEYS[#KEYS]) end"
)


class OtherInstallation(ImproperlyConfigured):
    """Another database's product uses this Redis under the same prefix. The message says what to do."""


@cache
def read_name() -> str:
    """The name of the connected database; "" if the server does not show it. Raises django.db.Error."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(READ)
            return str(cursor.fetchone()[0])
    except Error as error:
        if sqlstate_of(error)[:2] not in NOT_SHOWN:
            raise
        return ""


def forget() -> None:
    """The database at this address may have been replaced."""
    read_name.cache_clear()


class Held:
    """The name that this process held last. If the name is another one now, that database is gone."""

    name: ClassVar[str] = ""


def hold() -> None:
    """Hold Redis for this installation until the next renewal. Raises OtherInstallation, redis.RedisError."""
    Held.name = _check_holder(
        lambda name: run_script(HOLD, [name, held_ms(), Held.name or name], installation_key())
    )


def held_ms() -> int:
    """Longer than another dispatcher needs to take over: a lease, and the wait of a standby, which is not longer."""
    return 3 * settings.LEADSWITCH_TUNING.leader_lease_ms + 1_000


def check() -> None:
    """Raises OtherInstallation while another one holds this Redis; redis.RedisError."""
    _check_holder(lambda name: get_client(TIMEOUT_SECONDS).get(installation_key()) or name)


def release() -> None:
    """Let another installation use this Redis at once. Raises redis.RedisError."""
    run_script(RELEASE, [read_name()], installation_key())


def _check_holder(find_holder: Callable[[str], object]) -> str:
    """Return the name under which this installation may use Redis; "": nothing is checked. Raises OtherInstallation."""
    name, holder = _ask(find_holder)
    if holder != name:
        forget()
        name, holder = _ask(find_holder)
    if holder != name:
        message = (
            f"LEADSWITCH_REDIS_PREFIX={settings.LEADSWITCH_REDIS_PREFIX}: the dispatcher of another database"
            f" ({holder}, this is {name}) uses this Redis under the same prefix; give each installation its own"
            f" prefix or REDIS_URL, or stop the other one's dispatchers and wait {held_ms() // 1000} seconds"
        )
        raise OtherInstallation(message)
    return name


def _ask(find_holder: Callable[[str], object]) -> tuple[str, object]:
    name = read_name()
    return name, find_holder(name) if name else name
