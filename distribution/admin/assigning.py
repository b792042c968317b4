"""The page for assigning a lead manually. It lists what each buyer would pay, asks for confirmation, then sells."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from distribution.admin.lead_actions import PERMISSION, LeadActionsAdmin, attempt
from distribution.attempts.assign_by_hand import CHANGING, assign_within
from distribution.attempts.campaigns import SnapshotMissing, run_with_snapshots
from distribution.attempts.preview_by_hand import Preview, preview_sale_by_hand
from distribution.models import Enrollment
from distribution.queries import enrollments_for
from routing.leads.actions import ActionRefused, Operator, act_on_lead
from routing.models import Lead
from tracing.admin.confirming import ReasonForm, preserve_list_filters
from tracing.parsing import parse_id


class AssignForm(ReasonForm):
    """The sale compares `seen` under its locks."""

    asks_again = False
    field_order = ("enrollment", "reason")
    enrollment = forms.ModelChoiceField(queryset=Enrollment.objects.none(), widget=forms.HiddenInput)

    def __init__(self, *args: Any, lead: Lead, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["enrollment"].queryset = enrollments_for(lead)  # type: ignore[attr-defined]


class AssigningAdmin(LeadActionsAdmin):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.assign)
        return [path("<path:object_id>/assign/", view, name="routing_lead_assign"), *super().get_urls()]

    def assign(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Without `?enrollment=`, list the buyers; with it, ask for confirmation."""
        self.require(PERMISSION, request=request)
        lead = self.get_object(request, object_id)
        if lead is None:
            raise Http404
        previews, refusal = self._preview(lead)
        named = request.POST.get("enrollment", request.GET.get("enrollment", ""))
        chosen = next((each for each in previews if each.enrollment.pk == parse_id(named)), None)
        form = AssignForm(
            request.POST or None,
            lead=lead,
            state=chosen.state if chosen else "",
            initial={"enrollment": chosen.enrollment.pk if chosen else None},
        )
        if request.method == "POST" and form.is_valid() and self._sell(request, lead, form):
            return HttpResponseRedirect(self.back_to(request, [lead]))
        if chosen is None:
            return self._offer(request, lead, previews, refusal or _first_error(form))
        return self._ask(request, lead, chosen, form)

    def _preview(self, lead: Lead) -> tuple[Sequence[Preview], str]:
        """Return the previews and why no buyer can be chosen ("" if one can)."""
        try:
            return preview_sale_by_hand(lead.pk, enrollments=list(enrollments_for(lead))), ""
        except ActionRefused as refusal:
            return [], str(refusal)

    def _sell(self, request: HttpRequest, lead: Lead, form: AssignForm) -> bool:
        """Returns False when it was refused; the form says why."""
        enrollment = form.cleaned_data["enrollment"]
        done = f"The lead was sold to {enrollment.buyer}."  # before the sale: nothing is read after it
        seen = form.cleaned_data["seen"]
        by = Operator(request.user.get_username(), form.cleaned_data["reason"])

        def sell(locked: Lead) -> None:
            assign_within(locked.pk, enrollment_id=enrollment.pk, seen=seen)

        try:
            why = run_with_snapshots(lambda: attempt(lambda: act_on_lead("assign", lead.pk, sell, by=by)))
        except SnapshotMissing:
            why = CHANGING
        if why:
            form.add_error(None, f"Not sold: {why}.")
            return False
        self.message_user(request, done, messages.SUCCESS)
        return True

    def _offer(
        self, request: HttpRequest, lead: Lead, previews: Sequence[Preview], refusal: str
    ) -> HttpResponse:
        """Buyers that can be chosen come first, starting with those that need no override."""
        rows = sorted(previews, key=lambda each: (bool(each.not_overridable), len(each.overridden)))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Assign to a buyer: {self.title_of(lead)}",
            "opts": self.opts,
            "rows": rows,
            "refusal": refusal,
            "back": self.back_to(request, [lead]),
            "choose": preserve_list_filters(self, request, f"{request.path}?enrollment="),
        }
        status = 400 if request.method == "POST" else 200
        return TemplateResponse(request, "admin/leadswitch/assign.html", context, status=status)

    def _ask(self, request: HttpRequest, lead: Lead, chosen: Preview, form: AssignForm) -> HttpResponse:
        buyer = chosen.enrollment.buyer
        lines = [
            f"{buyer} pays {chosen.price} for this lead now. The lead counts toward its caps.",
            f"Its balance goes from {chosen.balance} to {chosen.balance_after}.",
        ]
        if chosen.overridden:
            lines.append(f"Overridden: {'; '.join(chosen.overridden)}.")
        if chosen.not_overridable:
            lines.append(f"Cannot be overridden: {'; '.join(chosen.not_overridable)}.")
        context = {
            "lines": lines,
            "button": f"Assign and charge {chosen.price}",
            "is_possible": not chosen.not_overridable or bool(form.errors),
            "back": preserve_list_filters(self, request, request.path),
        }
        return self.confirm(
            request, title=f"Assign to {buyer}: {self.title_of(lead)}", form=form, context=context
        )


def _first_error(form: AssignForm) -> str:
    if not form.is_bound:
        return ""
    wrong = [str(text) for errors in form.errors.values() for text in errors]
    return wrong[0] if wrong else "Nothing was sold. Choose a buyer."
