"""The switches of dispatch, one name each: pauses of the product and of a workspace, and a workspace's mode."""

from datetime import datetime

from django.db import transaction

from routing.dispatch.modes import follow_mode_after_commit
from routing.dispatch.pauses import switch
from routing.models import DispatchMode, Workspace


def pause_product(*, at: datetime, actor: str, reason: str) -> bool:
    return switch(None, to=at, actor=actor, reason=reason)


def resume_product(*, actor: str, reason: str) -> bool:
    return switch(None, to=None, actor=actor, reason=reason)


def pause_workspace(workspace_id: int, *, at: datetime, actor: str, reason: str) -> bool:
    return switch(workspace_id, to=at, actor=actor, reason=reason)


def resume_workspace(workspace_id: int, *, actor: str, reason: str) -> bool:
    return switch(workspace_id, to=None, actor=actor, reason=reason)


def change_mode(workspace_id: int, mode: DispatchMode) -> bool:
    """As the workspace's page does. False if the workspace had that mode already."""
    with transaction.atomic():
        others = Workspace.objects.filter(pk=workspace_id).exclude(dispatch_mode=mode)
        is_changed = others.update(dispatch_mode=mode) == 1
        follow_mode_after_commit(workspace_id)
    return is_changed
