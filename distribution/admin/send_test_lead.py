"""The page "Send a test lead" of a campaign or a buyer: a form with safe data, then the lead's page."""

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from distribution.admin.lead_actions import PERMISSION
from distribution.attempts.send_test import SAFE_DATA, SentTest, send_test_lead
from distribution.models import Campaign
from routing.admin.configuration import GuardedJSONField
from routing.intake.parse import LeadInvalid
from routing.intake.store import ExternalIdRepeated, TestLimitReached
from routing.models import LeadStatus, Source
from tracing.admin.confirming import ConfirmingAdmin, preserve_list_filters
from tracing.skip_reasons import SKIP_REASONS

TITLE: Final = "Send a test lead"
NO_SOURCE: Final = "The workspace has no active source. Add one under Sources."
OVER_LIMIT: Final = "The source already sent as many test leads today (UTC) as it may. Choose another source."


class TestLeadForm(forms.Form):
    """Filled in with data that reaches no person. `source`: rules and campaigns may depend on it."""

    source = forms.ModelChoiceField(queryset=Source.objects.none(), help_text="The lead comes in through it.")
    vertical = forms.CharField(max_length=50, help_text="What the person wants, e.g. roofing.")
    zip = forms.CharField(max_length=20, label="ZIP")
    first_name = forms.CharField(max_length=100, required=False)
    last_name = forms.CharField(max_length=100, required=False)
    email = forms.CharField(max_length=254, required=False)
    phone = forms.CharField(max_length=60, required=False)
    attributes = GuardedJSONField(
        required=False,
        initial=dict,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text='What filters and price rules read, e.g. {"roof_age": 12}.',
    )

    def __init__(self, *args: Any, sources: QuerySet[Source], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["source"].queryset = sources  # type: ignore[attr-defined]

    def send(self, *, actor: str) -> SentTest | None:
        """Returns None if the lead was refused; the form says why."""
        payload = {name: value for name, value in self.cleaned_data.items() if name != "source" and value}
        try:
            return send_test_lead(payload, source=self.cleaned_data["source"], actor=actor, at=timezone.now())
        except LeadInvalid as invalid:
            self._show(invalid)
        except TestLimitReached:
            self.add_error("source", OVER_LIMIT)
        except ExternalIdRepeated:
            self.add_error(None, "The source already sent a lead with this id.")
        return None

    def _show(self, invalid: LeadInvalid) -> None:
        for where, errors in invalid.errors.items():
            name = where.split(".")[0].split("[")[0]
            for error in errors:
                self.add_error(name if name in self.fields else None, f"{where} {error.message}.".strip())


class TestLeadPage(ConfirmingAdmin):
    """Mixed into the admin of campaigns and buyers. Needs the permission to act on leads."""

    change_form_template = "admin/leadswitch/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view, name = (
            self.admin_site.admin_view(self.test_lead_view),
            f"distribution_{self.opts.model_name}_test",
        )
        return [path("<path:object_id>/test-lead/", view, name=name), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        context = dict(extra_context or {})
        if request.user.has_perm(PERMISSION):
            url = reverse(f"admin:distribution_{self.opts.model_name}_test", args=[object_id])
            button = {"title": f"{TITLE}…", "url": preserve_list_filters(self, request, url)}
            context["action_buttons"] = [*context.get("action_buttons", []), button]
        return super().change_view(request, object_id, form_url, context)

    def test_lead_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        self.require(PERMISSION, request=request)
        row: Any = self.get_object(request, object_id)
        if row is None:
            raise Http404
        sources = Source.objects.filter(workspace_id=row.workspace_id, active=True).select_related(
            "workspace"
        )
        form = TestLeadForm(request.POST or None, sources=sources, initial=_fill_in(row, sources))
        sent = form.send(actor=request.user.get_username()) if form.is_bound and form.is_valid() else None
        if sent is not None:
            self.message_user(request, _describe(sent), messages.SUCCESS)
            return HttpResponseRedirect(reverse("admin:routing_lead_change", args=[sent.stored.lead_id]))
        context = {
            **self.admin_site.each_context(request),
            "title": f"{TITLE}: {row}",
            "opts": self.opts,
            "form": form,
            "media": self.media + form.media,
            "refusal": "" if sources else NO_SOURCE,
            "back": reverse(f"admin:distribution_{self.opts.model_name}_change", args=[row.pk]),
        }
        status = 400 if form.errors else 200
        return TemplateResponse(request, "admin/leadswitch/test_lead.html", context, status=status)


def _fill_in(row: Any, sources: QuerySet[Source]) -> dict[str, Any]:
    """Values with which the campaign takes the lead. Of a buyer: the first campaign that it is enrolled in."""
    campaign = row if isinstance(row, Campaign) else None
    if campaign is None:
        enrolled = Campaign.objects.filter(enrollments__buyer=row, enrollments__archived_at=None, active=True)
        campaign = enrolled.order_by("pk").first()
    first = sources.order_by("pk").first()
    source_id = (campaign and campaign.source_id) or (first.pk if first else None)
    vertical = (campaign and campaign.vertical) or (first.default_vertical if first else "")
    return {**SAFE_DATA, "source": source_id, "vertical": vertical}


def _describe(sent: SentTest) -> str:
    outcome = sent.outcome
    if outcome.status == LeadStatus.DISTRIBUTED:
        return "The test lead was sold. No buyer was charged."
    reason = SKIP_REASONS.get(outcome.skip_reason)
    if reason is None:
        return "The test lead is stored. It is decided in a moment."
    return f"The test lead was not sold: {reason.sentence}"
