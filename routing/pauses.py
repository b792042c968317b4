"""The switches of the dispatch: the whole product, or one workspace. PostgreSQL decides, Redis mirrors.

Paused means: nothing is taken (PITFALLS 33). Leads keep coming in, and keep their due times.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.db import connection, transaction

from routing.control import read_control, write_pause
from routing.handon import after_commit
from routing.keys import paused_key, wake_key, workspace_paused_key
from routing.models import Workspace
from routing.outage import guarded
from routing.redisclient import get_client
from routing.schedule import TIMEOUT_SECONDS

PAUSE: Final = "UPDATE routing_workspace SET paused_at = %s WHERE id = %s AND paused_at IS NULL"
RESUME: Final = "UPDATE routing_workspace SET paused_at = NULL WHERE id = %s AND paused_at IS NOT NULL"


def pause_product(*, at: datetime) -> None:
    """Again is no error, and keeps the first time. Attempts that run come to their end."""
    with transaction.atomic():
        write_pause(at)
        after_commit(_mirror_product)


def resume_product() -> None:
    with transaction.atomic():
        write_pause(None)
        after_commit(_mirror_product)


def pause_workspace(workspace_id: int, *, at: datetime) -> bool:
    """Returns False when it is paused already."""
    return _change(workspace_id, PAUSE, [at, workspace_id])


def resume_workspace(workspace_id: int) -> bool:
    """Returns False when it is not paused."""
    return _change(workspace_id, RESUME, [workspace_id])


def mirror_later(workspace_id: int) -> None:
    """Have Redis follow a pause that the open transaction wrote."""
    after_commit(partial(_mirror_workspace, workspace_id))


def _change(workspace_id: int, sql: str, parameters: list[Any]) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        mirror_later(workspace_id)
        return bool(cursor.rowcount == 1)


def read_mirror(workspace_ids: Iterable[int]) -> dict[int | None, bool]:
    """Return what Redis says of these workspaces, and under None of the product. Raises redis.RedisError."""
    names = [None, *workspace_ids]
    values = get_client(TIMEOUT_SECONDS).mget([_key(name) for name in names])
    return {name: value is not None for name, value in zip(names, values, strict=True)}


def write_mirror(paused: Mapping[int | None, bool]) -> None:
    """Make Redis say this, and let the dispatcher look at once. Raises redis.RedisError."""
    with get_client(TIMEOUT_SECONDS).pipeline() as pipeline:
        for name, is_paused in paused.items():
            if is_paused:
                pipeline.set(_key(name), 1)
            else:
                pipeline.delete(_key(name))
        pipeline.publish(wake_key(), 1)
        pipeline.execute()


def _mirror_product() -> None:
    is_paused = read_control().paused_at is not None
    guarded("pause", partial(write_mirror, {None: is_paused}), None)


def _mirror_workspace(workspace_id: int) -> None:
    is_paused = Workspace.objects.filter(pk=workspace_id, paused_at__isnull=False).exists()
    guarded("pause", partial(write_mirror, {workspace_id: is_paused}), None)


def _key(workspace_id: int | None) -> str:
    return paused_key() if workspace_id is None else workspace_paused_key(workspace_id)
