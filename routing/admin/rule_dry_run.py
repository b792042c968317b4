"""The page "Test a lead": which rule would win and why those above it would not. Writes nothing."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from routing.admin.configuration import GuardedJSONField
from routing.intake.condition_fields import condition_fields
from routing.intake.parse import LeadInvalid, parse_lead
from routing.models import Lead, Workspace
from routing.queries import find_leads
from routing.rules.dry_run import RouteDryRun, dry_run_route
from routing.rules.ruleset import PathTooLong, RuleBroken
from tracing.admin.scope import PlainAdmin, visible_ids
from tracing.parsing import parse_id

# Attributes with their own form field. Conditions name them without the prefix.
NAMED: Final = ("industry", "company_size", "revenue", "region")
LEAD_FIELDS: Final = ("zip", "state", "country", "vertical")


class DryRunForm(forms.Form):
    """Takes a stored lead or the fields that rules read."""

    workspace = forms.ModelChoiceField(
        queryset=Workspace.objects.none(),
        required=False,
        help_text="The workspace whose rules are checked first.",
    )
    lead = forms.CharField(
        required=False,
        max_length=100,
        help_text="Public id, numeric id or external id. If blank, the fields below are used.",
        widget=forms.TextInput(attrs={"size": 40}),
    )
    zip = forms.CharField(required=False, max_length=20, label="ZIP")
    state = forms.CharField(required=False, max_length=50, help_text="Blank: the state of the ZIP code.")
    country = forms.CharField(required=False, max_length=50, help_text="Blank: US.")
    vertical = forms.CharField(required=False, max_length=50)
    source = forms.CharField(required=False, max_length=50, help_text="The source's name.")
    industry = forms.CharField(required=False, max_length=100)
    company_size = forms.FloatField(required=False)
    revenue = forms.FloatField(required=False)
    region = forms.CharField(
        required=False, max_length=100, help_text="Blank: the Census region of the state."
    )
    attributes = GuardedJSONField(
        required=False, initial=dict, widget=forms.Textarea(attrs={"rows": 3, "cols": 60})
    )

    def __init__(
        self, *args: Any, workspaces: QuerySet[Workspace], leads: QuerySet[Lead], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["workspace"].queryset = workspaces  # type: ignore[attr-defined]
        self.leads = leads

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        if cleaned["lead"]:
            self._read_stored(cleaned)
        elif cleaned["workspace"] is None:
            self.add_error("workspace", "Choose a workspace or enter a lead.")
        else:
            self._read_typed(cleaned)
        return cleaned

    def _read_stored(self, cleaned: dict[str, Any]) -> None:
        found = find_leads(cleaned["lead"], among=self.leads)
        if len(found) != 1:
            message = "Several leads match. Enter the public id." if found else "No lead found."
            self.add_error("lead", message)
            return
        [lead] = found
        cleaned["start"] = lead.source_workspace_id
        cleaned["fields"] = condition_fields(lead, source=lead.source.name)

    def _read_typed(self, cleaned: dict[str, Any]) -> None:
        attributes = cleaned["attributes"] or {}
        if isinstance(attributes, Mapping):
            attributes = {
                **attributes,
                **{name: cleaned[name] for name in NAMED if cleaned[name] not in (None, "")},
            }
        payload = {name: cleaned[name] for name in LEAD_FIELDS if cleaned[name]} | {"attributes": attributes}
        try:
            lead = parse_lead(
                payload, default_vertical="", at=timezone.now(), requires_contact=False, is_lenient=False
            )
        except LeadInvalid as invalid:
            for where, errors in invalid.errors.items():
                name = where.split(".")[0].split("[")[0]
                for error in errors:
                    self.add_error(name if name in self.fields else None, f"{where} {error.message}.")
            return
        cleaned["start"] = cleaned["workspace"].pk
        cleaned["fields"] = condition_fields(lead, source=cleaned["source"])


class DryRunPage(PlainAdmin):
    """Mixed into the admin of rules: a user who may view rules may test them."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.try_view)
        return [path("test/", view, name="routing_routingrule_try"), *super().get_urls()]

    def try_view(self, request: HttpRequest) -> HttpResponse:
        """`?workspace=`: whose rules are checked first. A workspace that the user may not see counts as missing."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        ids = visible_ids(request)
        workspaces, leads = Workspace.objects.order_by("name"), Lead.objects.all()
        if ids is not None:
            workspaces = workspaces.filter(pk__in=ids)
            leads = leads.filter(Q(workspace_id__in=ids) | Q(source_workspace_id__in=ids))
        chosen = request.GET.get("workspace")
        if chosen is not None and not workspaces.filter(pk=parse_id(chosen) or 0).exists():
            raise Http404
        form = DryRunForm(
            request.POST if request.method == "POST" else None,
            workspaces=workspaces,
            leads=leads,
            initial={"workspace": chosen},
        )
        dry_run = self._try(form, ids) if form.is_bound and form.is_valid() else None
        context = {
            **self.admin_site.each_context(request),
            "title": "Test a lead",
            "opts": self.opts,
            "form": form,
            "media": self.media + form.media,
            "dry_run": dry_run,
        }
        status = 400 if form.errors else 200
        return TemplateResponse(request, "admin/routing/routingrule/dry_run.html", context, status=status)

    def _try(self, form: DryRunForm, ids: Collection[int] | None) -> RouteDryRun | None:
        found = form.cleaned_data
        try:
            return dry_run_route(found["fields"], workspace_id=found["start"], visible_ids=ids)
        except (RuleBroken, PathTooLong) as error:
            form.add_error(None, str(error))
            return None
