"""Moves a workspace between the ways in which due leads are found: poll, shadow, event. See docs/dispatch-rollout.md.

A mode may change at any time in either direction: no row of a lead changes, and a process that runs a lead holds its
row's lock.
"""

from functools import partial
from secrets import randbits
from typing import Final

from routing.dispatch import schedule, shadow
from routing.dispatch.backlog import BacklogScan, requeue_leads
from routing.dispatch.enqueue import after_commit
from routing.dispatch.mirror import NewerMode, drop_others
from routing.dispatch.publish import send_wake
from routing.dispatch.spread import Spread
from routing.models import DispatchMode, Workspace
from routing.queries import read_clock

FOLLOW_MODE: Final = "routing.follow_mode"


def follow_mode_after_commit(workspace_id: int) -> None:
    """Update the indexes after the commit of a mode. The reconciler does it if the message is lost."""
    after_commit(partial(send_wake, FOLLOW_MODE, args=[workspace_id]))


def follow_mode(workspace_id: int) -> int:
    """Update the indexes for the workspace's mode. Returns how many leads were written. Raises redis.RedisError.

    Does nothing if the indexes already follow a later mode.
    """
    workspace = Workspace.objects.values_list("dispatch_mode", "switch_version")
    mode, version = workspace.get(pk=workspace_id)
    try:
        drop_others(workspace_id, mode=mode, version=version)
    except NewerMode:
        return 0
    if mode == DispatchMode.POLL:
        return 0
    count, spread = 0, Spread(randbits(32))
    scan = BacklogScan(mode, [workspace_id])
    while not scan.is_finished:
        leads = scan.read_page()
        if mode == DispatchMode.EVENT:
            requeue_leads(leads, spread=spread, at=read_clock())
        else:
            shadow.write({(lead.lead_id, lead.workspace_id): lead.due_at for lead in leads})
        count += len(leads)
    return count


def count_others(workspace_id: int, *, mode: str) -> int:
    """Return how many leads drop_others would drop. Raises redis.RedisError."""
    count = 0
    if mode != DispatchMode.EVENT:
        count += schedule.count_workspace(workspace_id)
    if mode != DispatchMode.SHADOW:
        count += shadow.count_workspace(workspace_id)
    return count
