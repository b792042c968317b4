"""Mirrors pauses and modes in Redis, in the order in which PostgreSQL changed them.

A process reads a pause or mode and then writes it to Redis; another process may do both in between. So each write
carries the row's `switch_version`, which grows with every change, and Redis refuses an older one (docs/decisions/0048).
Raises redis.RedisError.
"""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from django.db import connection

from routing.dispatch.schedule import TIMEOUT_SECONDS, run_script
from routing.redis.client import get_client
from routing.redis.keys import shadow_of, versions_key

READ: Final = """
SELECT NULL::bigint, paused_at IS NOT NULL, switch_version FROM routing_dispatchcontrol WHERE id = 1
UNION ALL SELECT id, paused_at IS NOT NULL, switch_version FROM routing_workspace WHERE id = ANY(%s)
"""
READ_PAUSED: Final = "SELECT id FROM routing_workspace WHERE paused_at IS NOT NULL ORDER BY id"

# The last key: versions. ARGV: (workspace or "" for the product, its version, 1 while it is paused else 0, a version
# of a replaced database or "")... . Returns how many were written.
PAUSES: Final = """
local VERSIONS, written = KEYS[#KEYS], 0
for at = 1, #ARGV, 4 do
    local field, version, gone = 'pause:' .. ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 3])
    local held = tonumber(redis.call('HGET', VERSIONS, field) or nil)
    if not held or held <= tonumber(version) or held == gone then
        local key = ARGV[at] == '' and PAUSED or PAUSED .. ':' .. ARGV[at]
        if ARGV[at + 2] == '1' then redis.call('SET', key, 1) else redis.call('UNLINK', key) end
        redis.call('HSET', VERSIONS, field, version)
        written = written + 1
    end
end
redis.call('PUBLISH', WAKE, 1)
return written
"""

# The last keys: the shadow index, versions. ARGV: workspace, its version, its mode, a version of a replaced database or
# "". Drops the waiting leads of the other modes; leads in flight are not touched. Returns how many it dropped, -1 if
# the indexes already follow a newer mode.
DROP_OTHERS: Final = """
local SHADOW, VERSIONS, field = KEYS[#KEYS - 1], KEYS[#KEYS], 'mode:' .. ARGV[1]
local held = tonumber(redis.call('HGET', VERSIONS, field) or nil)
if held and held > tonumber(ARGV[2]) and held ~= tonumber(ARGV[4]) then return -1 end
redis.call('HSET', VERSIONS, field, ARGV[2])
local count = 0
if ARGV[3] ~= 'event' then
    count = redis.call('ZCARD', leads_of(ARGV[1]))
    redis.call('UNLINK', leads_of(ARGV[1]))
    redis.call('ZREM', SCHEDULE, ARGV[1])
end
if ARGV[3] ~= 'shadow' then
    count = count + redis.call('ZCARD', SHADOW)
    redis.call('UNLINK', SHADOW)
end
return count
"""


class Switch(NamedTuple):
    is_paused: bool
    version: int = 0


class NewerMode(Exception):
    """The indexes already follow a later change of the workspace's mode."""


def read_switches(names: Collection[int | None]) -> dict[int | None, Switch]:
    """Return the pauses of those workspaces that exist, and the product's if `names` has None. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(READ, [[name for name in names if name is not None]])
        found: dict[int | None, Switch] = {name: Switch(*rest) for name, *rest in cursor.fetchall()}
    found.setdefault(None, Switch(is_paused=False))
    return {name: switch for name, switch in found.items() if name in names}


def list_paused() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(READ_PAUSED)
        return [row[0] for row in cursor.fetchall()]


def read_versions(kind: str) -> dict[int | None, int]:
    """Return the versions that Redis has of pauses ("pause") or modes ("mode"), the product's under None.

    PostgreSQL, read after them, has none that is older, unless it was restored from a backup.
    """
    found = {}
    for field, version in get_client(TIMEOUT_SECONDS).hgetall(versions_key()).items():
        of, _, name = str(field).partition(":")
        if of == kind:
            found[int(name) if name else None] = int(version)
    return found


def write_pauses(
    switches: Mapping[int | None, Switch], *, before: Mapping[int | None, int] | None = None
) -> int:
    """Write these pauses to Redis, unless it has newer ones, and wake the dispatcher.

    `before`: what read_versions returned before the switches were read; a newer version among them belongs to a
    database that was replaced, and is overwritten. Returns how many were written.
    """
    arguments: list[str | int] = []
    for name, switch in switches.items():
        gone = _find_gone(name, switch.version, before)
        arguments += ["" if name is None else name, switch.version, int(switch.is_paused), gone]
    return int(run_script(PAUSES, arguments, versions_key()))


def drop_others(
    workspace_id: int, *, mode: str, version: int, before: Mapping[int | None, int] | None = None
) -> int:
    """Drop what the other modes stored for a workspace. Returns how many leads were dropped. Raises NewerMode.

    `before`: as for write_pauses.
    """
    arguments = [workspace_id, version, mode, _find_gone(workspace_id, version, before)]
    found = int(run_script(DROP_OTHERS, arguments, shadow_of(workspace_id), versions_key()))
    if found < 0:
        raise NewerMode
    return found


def _find_gone(name: int | None, version: int, before: Mapping[int | None, int] | None) -> str | int:
    known = (before or {}).get(name, version)
    return known if known > version else ""
