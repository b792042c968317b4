"""The view of the page, and its entry in the list of pages. The admin site puts both in place.

A user sees the workspaces that they work for. Only users who see every workspace see the workers and the leader.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from leadswitch.levels.health_page.page import read_health
from leadswitch.levels.health_page.window import WINDOWS, make_window
from routing.models import DispatchControl
from tracing.admin.scope import visible_ids, visible_names
from tracing.parsing import parse_id

VIEW_PERMISSION: Final = "routing.view_workspace"
TEMPLATE: Final = "admin/leadswitch/health.html"


def show_health(request: HttpRequest, *, context: Mapping[str, Any]) -> HttpResponse:
    """`context`: what the admin site gives to each page. Raises PermissionDenied and Http404."""
    if not request.user.has_perm(VIEW_PERMISSION):
        raise PermissionDenied
    names, visible = visible_names(request), visible_ids(request)
    workspace_id = _find_workspace(request, names)
    at = timezone.now()
    health = read_health(
        at=at,
        window=make_window(request.GET.get("window", ""), at=at),
        ids=visible if workspace_id is None else [workspace_id],
        workspace_id=workspace_id,
    )
    values = {
        "title": "Health",
        "opts": DispatchControl._meta,  # for the section in the breadcrumbs
        "health": health,
        "data": {name: chart.as_json() for name, chart in health.charts.items()},
        "windows": [(name, label) for name, (label, *_) in WINDOWS.items()],
        "workspaces": names,
        "workspace_id": workspace_id,
        "sees_all": visible is None,
    }
    return TemplateResponse(request, TEMPLATE, {**context, **values})


def list_page(request: HttpRequest) -> Mapping[str, Any] | None:
    """Return the page as the admin lists its pages, or None if the user may not see it."""
    if not request.user.has_perm(VIEW_PERMISSION):
        return None
    return {
        "model": DispatchControl,
        "name": "Health",
        "object_name": "Health",
        "perms": {"add": False, "change": False, "delete": False, "view": True},
        "admin_url": reverse("admin:health"),
        "add_url": None,
        "view_only": True,
    }


def _find_workspace(request: HttpRequest, names: Sequence[tuple[int, str]]) -> int | None:
    """Raises Http404 unless the user sees the chosen workspace."""
    chosen = request.GET.get("workspace", "")
    if not chosen:
        return None
    workspace_id = parse_id(chosen)
    if workspace_id not in dict(names):
        raise Http404
    return workspace_id
