"""Buttons of a row's page, each with a confirmation that asks for a reason and says what will happen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from tracing.admin.confirming import ConfirmingAdmin, ReasonForm, preserve_list_filters


@dataclass(frozen=True, slots=True)
class Switch:
    """`line`: what it does. `run`: of the row, the form and the actor; what the page says afterwards.

    `refuse`: why it is not possible now, "" if it is. `errors`: what `run` raises when it changes nothing.
    """

    title: str
    line: str
    permission: str
    run: Callable[[Any, ReasonForm, str], str]
    refuse: Callable[[Any], str]
    errors: tuple[type[Exception], ...] = ()
    form: type[ReasonForm] = ReasonForm
    describe: Callable[[Any], Sequence[str]] = lambda _row: ()


class SwitchesAdmin(ConfirmingAdmin):
    switches: ClassVar[Mapping[str, Switch]] = {}
    change_form_template = "admin/leadswitch/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.act)
        return [
            path("<path:object_id>/do/<slug:name>/", view, name=self._act_name),
            *super().get_urls(),
        ]

    @property
    def _act_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_do"

    def state_of(self, row: Any) -> str:  # noqa: ARG002 - for pages whose rows change by themselves
        """What the confirmation showed. If it differs when it is sent, the page asks again. "": not compared."""
        return ""

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        buttons = [] if row is None else self.list_buttons(request, row)
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "action_buttons": buttons}
        )

    def list_buttons(self, request: HttpRequest, row: Any) -> list[dict[str, str]]:
        """Only what is possible now and allowed to this person."""
        found = [
            (name, switch)
            for name, switch in self.switches.items()
            if request.user.has_perm(switch.permission) and not switch.refuse(row)
        ]
        return [
            {
                "title": f"{switch.title}…",
                "url": preserve_list_filters(self, request, self.act_url(row, name)),
            }
            for name, switch in found
        ]

    def act_url(self, row: Any, name: str) -> str:
        return reverse(f"admin:{self._act_name}", args=[row.pk, name])

    def act(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        switch = self.switches.get(name)
        if switch is None:
            raise Http404
        self.require(switch.permission, request=request)
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        form = switch.form(request.POST or None, state=self.state_of(row))
        back = self._back(request, row)
        if request.method == "POST" and form.is_valid() and self._run(request, switch, row, form):
            return HttpResponseRedirect(back)
        refusal = switch.refuse(row)
        lines = [f"Nothing to do: {refusal}."] if refusal else [switch.line, *switch.describe(row)]
        context = {
            "lines": lines,
            "button": switch.title,
            "is_possible": not refusal or bool(form.errors),
            "back": back,
        }
        title = f"{switch.title}: {self.title_of(row)}"
        return self.confirm(request, title=title, form=form, context=context)

    def _run(self, request: HttpRequest, switch: Switch, row: Any, form: ReasonForm) -> bool:
        """Returns False when it was refused; the form says why."""
        try:
            done = switch.run(row, form, request.user.get_username())
        except switch.errors as refusal:
            form.add_error(None, f"Nothing was changed: {str(refusal).rstrip('.')}.")
            return False
        self.message_user(request, done, messages.SUCCESS)
        return True

    def _back(self, request: HttpRequest, row: Any) -> str:
        page = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])
        return preserve_list_filters(self, request, page)
