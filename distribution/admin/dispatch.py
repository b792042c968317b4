"""The page "Dispatch": who leads, what waits, what is paused and why. Its switches ask for a reason.

A user sees and pauses the workspaces that they work for. Only users who see every workspace see the figures of the
installation and can pause the whole product. A script refreshes the figures every two seconds (FRAGMENT_HEADER).
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.forms import Script
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from distribution.admin.trace_view import FRAGMENT_HEADER
from routing.dispatch import pauses
from routing.dispatch.pauses import Pause
from routing.dispatch.problems import find_problems
from routing.dispatch.report import describe_pause
from routing.dispatch.state import read_state
from routing.models import DispatchControl, DispatchPath, Workspace
from routing.queries import count_due
from tracing.admin.confirming import ConfirmingAdmin, ReasonForm
from tracing.admin.scope import visible_ids
from tracing.locks import is_lock_timeout
from tracing.parsing import parse_id, parse_text

VIEW_PERMISSION: Final = "routing.view_workspace"
CHANGE_PERMISSION: Final = "routing.change_workspace"
SHOWN: Final = 100
MAX_COUNTED: Final = 10_000
ACTIONS: Final = {"pause": "Pause", "resume": "Resume"}
CHANGED: Final = "Nothing was changed: it was resumed and paused again after you opened this page."
BUSY: Final = "Someone else is pausing or resuming right now. Try again."


class DispatchSwitchForm(ReasonForm):
    """The switch compares `seen` under its lock."""

    asks_again = False


@admin.register(DispatchControl)
class DispatchAdmin(ConfirmingAdmin):
    """One row, and no form for it: its list is the page."""

    class Media:
        js: ClassVar = [Script("leadswitch/dispatch.js", defer=True)]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name="routing_dispatchcontrol_changelist"),
            path("<slug:name>/", view(self.switch), name="routing_dispatchcontrol_switch"),
        ]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return request.user.has_perm(VIEW_PERMISSION)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self.require(VIEW_PERMISSION, request=request)
        search = parse_text(request.GET.get("q", "").strip()) or ""
        state = read_state(visible_ids(request), search=search, limit=SHOWN)
        context = {
            "state": state,
            "search": search,
            "problems": list(find_problems(state)),
            "path": DispatchPath(state.control.path).label if state.control.path else "",
            "can_switch": request.user.has_perm(CHANGE_PERMISSION),
            **(extra_context or {}),
        }
        if request.headers.get(FRAGMENT_HEADER):
            return TemplateResponse(request, "admin/routing/dispatchcontrol/figures.html", context)
        around = {**self.admin_site.each_context(request), "opts": self.opts, "media": self.media}
        around["title"] = "Dispatch"
        return TemplateResponse(
            request, "admin/routing/dispatchcontrol/change_list.html", {**around, **context}
        )

    def switch(self, request: HttpRequest, name: str) -> HttpResponse:
        """`?workspace=`: the workspace to pause or resume; without it, the whole product."""
        self.require(CHANGE_PERMISSION, request=request)
        if name not in ACTIONS:
            raise Http404
        workspace = self._find_workspace(request)
        pause = pauses.read_pause(None if workspace is None else workspace.pk)
        form = DispatchSwitchForm(request.POST or None, state=pauses.get_switch_state(pause))
        if request.method == "POST" and form.is_valid() and self._do(request, name, workspace, form):
            return HttpResponseRedirect(_page(request))
        whose = "the whole product" if workspace is None else str(workspace)
        context = {
            "lines": _lines(name, workspace, pause),
            "button": f"{ACTIONS[name]} {whose}",
            "is_possible": (pause is None) == (name == "pause"),
            "back": _page(request),
        }
        return self.confirm(request, title=f"{ACTIONS[name]}: {whose}", form=form, context=context)

    def _find_workspace(self, request: HttpRequest) -> Workspace | None:
        """Raises Http404 if the user does not see the workspace, PermissionDenied for the product."""
        ids = visible_ids(request)
        chosen = request.GET.get("workspace")
        if chosen is None:
            if ids is not None:
                raise PermissionDenied
            return None
        workspace = Workspace.objects.filter(pk=parse_id(chosen) or 0).first()
        if workspace is None or (ids is not None and workspace.pk not in ids):
            raise Http404
        return workspace

    def _do(self, request: HttpRequest, name: str, workspace: Workspace | None, form: ReasonForm) -> bool:
        """Returns False when the user must try again; the form says why."""
        try:
            is_changed = pauses.switch(
                None if workspace is None else workspace.pk,
                to=timezone.now() if name == "pause" else None,
                actor=request.user.get_username(),
                reason=form.cleaned_data["reason"],
                seen=form.cleaned_data["seen"],
            )
        except pauses.PauseChanged:
            form.add_error(None, CHANGED)
            return False
        except OperationalError as error:
            if not is_lock_timeout(error):
                raise
            form.add_error(None, BUSY)
            return False
        whose = "The whole product" if workspace is None else str(workspace)
        now = (
            f"{whose} is paused."
            if name == "pause"
            else f"{whose} is running again. {_describe_due(workspace)}"
        )
        if is_changed:
            self.message_user(request, now, messages.SUCCESS)
        else:
            self.message_user(
                request, f"{now} Someone else had already done this. Nothing was changed.", messages.WARNING
            )
        return True


def _lines(name: str, workspace: Workspace | None, pause: Pause | None) -> Sequence[str]:
    if pause is not None and name == "pause":
        return [f"It is already paused, {describe_pause(pause)}."]
    if pause is None and name == "resume":
        return ["It is not paused."]
    if pause is not None:
        return [
            f"It has been paused {describe_pause(pause)}.",
            "Leads that became due since then start at once, as fast as the workers can process them.",
        ]
    whose = "in any workspace" if workspace is None else f"of {workspace}"
    return [
        f"From now on, no lead {whose} is started or sold until an operator resumes it.",
        "Leads are still accepted and keep their due times.",
        "Nobody is called to verify a lead. Calls that are out end as usual.",
    ]


def _describe_due(workspace: Workspace | None) -> str:
    due = count_due(None if workspace is None else workspace.pk, limit=MAX_COUNTED)
    more = "or more " if due == MAX_COUNTED else ""
    return f"{due:,} {more}{'lead is due and starts' if due == 1 else 'leads are due and start'} now."


def _page(request: HttpRequest) -> str:
    """The page, with the search that it had."""
    url = reverse("admin:routing_dispatchcontrol_changelist")
    search = parse_text(request.GET.get("q", ""))
    return f"{url}?{urlencode({'q': search})}" if search else url
