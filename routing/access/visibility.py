"""Which workspaces a user sees. Every admin page uses this."""

from collections.abc import Sequence
from typing import Final, TypeAlias

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet

from routing.models import Workspace

SEES_ALL: Final = "admin"  # the group

Person: TypeAlias = User | AnonymousUser


def visible_workspaces(user: Person) -> QuerySet[Workspace] | None:
    """Return the workspaces that a user sees. None means all."""
    if not user.is_authenticated or not user.is_active:
        return Workspace.objects.none()
    if user.is_superuser or user.groups.filter(name=SEES_ALL).exists():
        return None
    return Workspace.objects.filter(memberships__user_id=user.pk)


def name_visible_workspaces(user: Person) -> Sequence[tuple[int, str]]:
    """Id and name of each visible workspace, ordered by name."""
    visible = visible_workspaces(user)
    named = Workspace.objects.all() if visible is None else visible
    return tuple(named.order_by("name", "pk").values_list("pk", "name"))


def visible_workspace_ids(user: Person) -> Sequence[int] | None:
    """Return the ids of visible workspaces; None means all. A list lets the planner use indexes that begin with the
    workspace.
    """
    workspaces = visible_workspaces(user)
    return None if workspaces is None else tuple(workspaces.order_by("pk").values_list("pk", flat=True))
