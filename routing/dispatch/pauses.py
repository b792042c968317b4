"""Pauses of the whole product or of one workspace. PostgreSQL decides, Redis mirrors.

While paused, no lead is claimed: claiming leads and putting them back would spin. Intake continues, and leads keep
their due times. Only the audit log has who paused or resumed, and why.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from django.db import connection, transaction

from routing.dispatch.control import ensure_control, read_control, write_pause
from routing.dispatch.enqueue import after_commit
from routing.dispatch.mirror import list_paused, read_switches, write_pauses
from routing.dispatch.modes import follow_mode_after_commit
from routing.dispatch.schedule import TIMEOUT_SECONDS
from routing.locks.switches import wait_for_switch
from routing.models import DispatchControl, Workspace
from routing.redis.client import get_client
from routing.redis.keys import paused_key, workspace_paused_key
from routing.redis.outage import guarded
from tracing import audit

# `after` has milliseconds. A pause that was written without the audit log has no entry with its time.
READ_PAUSES: Final = """
SELECT p.model, p.object_id, e.actor, e.reason
FROM unnest(%s::text[], %s::text[], %s::timestamptz[]) AS p (model, object_id, paused_at)
CROSS JOIN LATERAL (
    SELECT actor, reason FROM tracing_auditentry
    WHERE object_id = p.object_id AND model = p.model
        AND (after->>'paused_at')::timestamptz = date_trunc('milliseconds', p.paused_at)
    ORDER BY id DESC
    LIMIT 1
) e
"""


# Of the product, then of workspaces, the latest first. `%s::bigint[]` NULL: all of them.
READ_ACTIVE: Final = """
SELECT NULL::bigint, '', paused_at FROM routing_dispatchcontrol WHERE paused_at IS NOT NULL
UNION ALL SELECT * FROM (
    SELECT id, name, paused_at FROM routing_workspace
    WHERE paused_at IS NOT NULL AND (%s::bigint[] IS NULL OR id = ANY(%s))
    ORDER BY paused_at DESC, id
    LIMIT %s
) latest
"""


@dataclass(frozen=True, slots=True)
class Pause:
    """`actor` and `reason` are blank if the audit log has no entry of the pause."""

    since: datetime
    actor: str = ""
    reason: str = ""


class PauseChanged(Exception):
    """The pause was changed after the page was opened."""


def get_switch_state(pause: Pause | None) -> str:
    """A short text that identifies the state a page has shown."""
    return "running" if pause is None else pause.since.isoformat()


def switch(workspace_id: int | None, *, to: datetime | None, actor: str, reason: str, seen: str = "") -> bool:
    """Pause a workspace (None: the product) from then on, or resume it (`to` None).

    Attempts in progress sell nothing more, unless their sale has begun.

    Returns False if it already is: a pause keeps its time, and only Redis is written again. Waits for a concurrent
    change, up to lock_timeout. Raises LookupError, and ValueError without a reason.

    `seen`: the get_switch_state that the page showed; blank: no page. Raises PauseChanged if the pause has changed
    since.
    """
    if not reason.strip():
        raise ValueError("pausing and resuming need a reason")
    with transaction.atomic():
        if workspace_id is None:
            ensure_control()
        was = wait_for_switch(workspace_id)
        mirror_after_commit(workspace_id)
        if workspace_id is not None and to is None:
            follow_mode_after_commit(workspace_id)
        if (was is None) == (to is None):
            return False
        if seen and seen != get_switch_state(None if was is None else Pause(was)):
            raise PauseChanged
        _write(workspace_id, to)
        audit.record(
            actor=actor,
            action="resume" if to is None else "pause",
            target=_target(workspace_id),
            workspace_id=workspace_id,
            reason=reason,
            before={"paused_at": was},
            after={"paused_at": to},
        )
    return True


def _write(workspace_id: int | None, at: datetime | None) -> None:
    if workspace_id is None:
        write_pause(at)
    else:
        Workspace.objects.filter(pk=workspace_id).update(paused_at=at)


def _target(workspace_id: int | None) -> DispatchControl | Workspace:
    if workspace_id is None:
        return DispatchControl.objects.get()
    return Workspace.objects.get(pk=workspace_id)


def read_pause(workspace_id: int | None) -> Pause | None:
    """The pause of a workspace that exists (None: of the product); None when it is not paused."""
    if workspace_id is None:
        since = read_control().paused_at
    else:
        since = Workspace.objects.values_list("paused_at", flat=True).get(pk=workspace_id)
    return read_pauses({workspace_id: since}).get(workspace_id)


def read_pauses(since: Mapping[int | None, datetime | None]) -> dict[int | None, Pause]:
    """Return who made the active ones of these pauses (None: the product's), and why. One statement."""
    holding = {name: at for name, at in since.items() if at is not None}
    if not holding:
        return {}
    rows = {_audited(name): name for name in holding}
    pauses = {name: Pause(at) for name, at in holding.items()}
    models, ids = zip(*rows, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(READ_PAUSES, [list(models), list(ids), list(holding.values())])
        for model, object_id, actor, reason in cursor.fetchall():
            name = rows[model, object_id]
            pauses[name] = Pause(holding[name], actor, reason)
    return pauses


@dataclass(frozen=True, slots=True)
class ActivePause:
    """A pause that is in force. `workspace_id` None: the whole product's."""

    workspace_id: int | None
    name: str
    pause: Pause


def read_active_pauses(visible: Sequence[int] | None, *, limit: int) -> list[ActivePause]:
    """The product's pause, and the latest of these workspaces (None: of all). One statement while nothing is paused."""
    ids = None if visible is None else list(visible)
    with connection.cursor() as cursor:
        cursor.execute(READ_ACTIVE, [ids, ids, limit])
        rows = cursor.fetchall()
    pauses = read_pauses({pk: since for pk, _, since in rows})
    return [ActivePause(pk, name, pauses[pk]) for pk, name, _ in rows]


def _audited(workspace_id: int | None) -> tuple[str, str]:
    """The model and id of a switch in the audit log."""
    if workspace_id is None:
        return DispatchControl._meta.label_lower, "1"
    return Workspace._meta.label_lower, str(workspace_id)


def mirror_after_commit(workspace_id: int | None) -> None:
    """Write a pause (None: the product's) of the open transaction to Redis after the commit."""
    after_commit(partial(mirror, workspace_id))


def find_unmirrored(truth: Mapping[int | None, bool]) -> dict[int | None, bool]:
    """Return those pauses (None: the product's) that differ in Redis. Raises redis.RedisError."""
    mirror = read_mirror(name for name in truth if name is not None)
    return {name: is_paused for name, is_paused in truth.items() if mirror[name] != is_paused}


def read_mirror(workspace_ids: Iterable[int]) -> dict[int | None, bool]:
    """Return the pauses of these workspaces in Redis, and the product's under None. Raises redis.RedisError."""
    names = [None, *workspace_ids]
    values = get_client(TIMEOUT_SECONDS).mget([_key(name) for name in names])
    return {name: value is not None for name, value in zip(names, values, strict=True)}


def mirror(*names: int | None) -> bool:
    """Write the pauses of these workspaces (None: of the product) to Redis. False: it does not respond."""
    switches = read_switches(names)
    return guarded("pause", lambda: write_pauses(switches) >= 0, default=False)


def mirror_paused() -> None:
    """Write all active pauses to Redis, which has none after a flush. Raises redis.RedisError."""
    write_pauses(read_switches([None, *list_paused()]))


def _key(workspace_id: int | None) -> str:
    return paused_key() if workspace_id is None else workspace_paused_key(workspace_id)
