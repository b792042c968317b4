"""The trace drawer: a lead's trace, one attempt of it, and what would help one buyer.

Each view answers the page's script with a fragment and other requests with a whole page. Mixed into the admin of
leads, whose queryset and permissions decide who sees which lead.
"""

from typing import Any, ClassVar, Final
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.forms import Script
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from distribution.admin.trace_page import LABELS, NoSuchAttempt, build_page, trace_url
from distribution.explain.offers import explain_place
from distribution.explain.whatif import what_would_help
from distribution.models import Buyer
from routing.models import Lead
from tracing.admin.scope import PlainAdmin
from tracing.models import Attempt, AttemptResult
from tracing.wording import short_id

# The page's script sends it. A browser that follows a link does not.
FRAGMENT_HEADER: Final = "X-LeadSwitch-Fragment"
FOLDER: Final = "admin/routing/lead/trace"


class TraceViews(PlainAdmin):
    """`trace_link` is a column of the list. `?trace=<public id>` opens the drawer when the list has loaded."""

    class Media:
        css: ClassVar = {"all": ["leadswitch/trace.css"]}
        js: ClassVar = [Script("leadswitch/trace.js", defer=True)]

    @admin.display(description="why")
    def trace_link(self, lead: Lead) -> SafeString:
        return format_html(
            '<a class="ls-trace-link" href="{}" data-trace-open="{}" data-testid="trace-open" aria-haspopup="dialog">'
            'Trace<span class="visually-hidden"> of lead {}</span></a>',
            trace_url(lead.public_id),
            lead.public_id,
            lead.public_id,
        )

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        lead, attempt = "<uuid:public_id>/trace/", "<uuid:public_id>/trace/<int:number>/"
        return [
            path(lead, wrap(self.trace_view), name="routing_lead_trace"),
            path(attempt, wrap(self.trace_view), name="routing_lead_trace_attempt"),
            path(f"{attempt}<uuid:buyer_id>/", wrap(self.buyer_view), name="routing_lead_trace_buyer"),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Drop `trace`, which only the script reads: the list would treat it as a filter."""
        if "trace" in request.GET:
            kept = request.GET.copy()
            del kept["trace"]
            request.GET = kept  # type: ignore[assignment]
        return super().changelist_view(request, extra_context)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *arguments: Any, **named: Any
    ) -> HttpResponse:
        lead = context.get("original")
        if isinstance(lead, Lead):
            context["trace"] = build_page(lead)
        return super().render_change_form(request, context, *arguments, **named)

    def title_of(self, row: Lead) -> str:
        """Return a title without personal data: vertical, state, source and the end of the public id."""
        what = capfirst(f"{'test ' if row.is_test else ''}{row.vertical} lead".strip())
        place = f" in {row.state}" if row.state else ""
        return f"{what}{place} from {row.source.name} ({short_id(row.public_id)})"

    def trace_view(self, request: HttpRequest, public_id: UUID, number: int | None = None) -> HttpResponse:
        lead = self._find_lead(request, public_id)
        try:
            trace = build_page(lead, number=number)
        except NoSuchAttempt:
            raise Http404 from None
        fragment = "content" if number is None else "attempt"
        context = {"trace": trace, "panel": trace.panel, "title": "Trace", "subtitle": self.title_of(lead)}
        return self._answer(request, lead, context, fragment=fragment, whole="page")

    def buyer_view(self, request: HttpRequest, public_id: UUID, number: int, buyer_id: UUID) -> HttpResponse:
        """A buyer of another workspace than the lead's does not exist here."""
        lead = self._find_lead(request, public_id)
        attempt = Attempt.objects.filter(lead_id=lead.pk, number=number).first()
        buyer = Buyer.objects.filter(public_id=buyer_id, workspace_id=lead.workspace_id).first()
        if attempt is None or buyer is None:
            raise Http404
        remedy = what_would_help(lead, attempt=attempt, buyer=buyer)
        is_offered = attempt.result == AttemptResult.OFFERED
        place = explain_place(attempt, buyer=buyer) if is_offered else None
        context = {
            "remedy": remedy,
            "place": place,
            "place_label": LABELS.get(place.fixer, "") if place else "",
            "label": LABELS.get(remedy.fixer, ""),
            "labels": LABELS,
            "back_url": trace_url(lead.public_id, number=number),
            "title": f"What would have to change for {buyer.name}",
        }
        return self._answer(request, lead, context, fragment="remedy", whole="remedy_page")

    def _find_lead(self, request: HttpRequest, public_id: UUID) -> Lead:
        leads = self.get_queryset(request).select_related("workspace", "source")
        lead: Lead | None = leads.filter(public_id=public_id).first()
        if not self.has_view_permission(request, lead):
            raise PermissionDenied
        if lead is None:
            raise Http404
        return lead

    def _answer(
        self, request: HttpRequest, lead: Lead, context: dict[str, Any], *, fragment: str, whole: str
    ) -> HttpResponse:
        context = {"lead_title": self.title_of(lead), **context}
        if request.headers.get(FRAGMENT_HEADER):
            return TemplateResponse(request, f"{FOLDER}/{fragment}.html", context)
        around = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "lead": lead,
            **context,
        }
        return TemplateResponse(request, f"{FOLDER}/{whole}.html", around)
