"""Returns: the queue of those that wait, and a page for each with its evidence, the buyer's figures and the buttons."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.forms import Script
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from distribution.admin.return_actions import ACTIONS, ReturnActionsAdmin
from distribution.configuration.return_reasons import RETURN_REASONS
from distribution.models import Assignment, Buyer, ReturnFile, ReturnRequest, ReturnState
from distribution.money.wallet import charge_left
from distribution.returns.download import as_attachment
from distribution.returns.figures import ReturnFigures, read_all_figures, read_figures
from tracing.admin.columns import id_column, money_column, time_column, word_column
from tracing.admin.filters import WorkspaceFilter
from tracing.admin.keyset import MAX_SCANNED
from tracing.admin.named import NamingAdmin, named_field
from tracing.admin.scope import visible_ids
from tracing.parsing import parse_id, parse_text, parse_uuid
from tracing.wording import count, money, short_id

MAX_FOUND: Final = 100
MAX_FIGURES: Final = 200
NOTHING: Final = "-"
# A join would read every return.
HAS_RETURNS: Final = Exists(ReturnRequest.objects.filter(buyer=OuterRef("pk")))


@admin.register(ReturnRequest)
class ReturnRequestAdmin(ReturnActionsAdmin, NamingAdmin):
    class Media:
        js: ClassVar = [Script("leadswitch/returns.js", defer=True)]

    has_history = True
    workspace_path = "buyer__workspace"
    actions = ReturnActionsAdmin.actions
    change_form_template = "admin/distribution/returnrequest/change_form.html"
    change_list_template = "admin/distribution/returnrequest/change_list.html"
    list_display = ("short_id", "buyer", "standing", "why", "asked", "requested")
    list_filter = ("state", "reason", "is_automatic", WorkspaceFilter)
    list_select_related = ("buyer__workspace", "assignment")
    scan_time = "requested_at"
    empty_list_text = (
        "Buyers have asked for no returns. Their requests are listed here, and wait for your decision."
    )
    search_help_text = "Public id of the return, assignment or buyer, or all or part of a buyer's name."
    fields = (
        *("buyer", "sale", "why", "text", "evidence", "asked", "left", "figures"),
        *("standing", "refunded", "decided_by", "decision_reason", "is_resold"),
        *("requested_at", "requested_by", "decided_at", "public_id"),
    )
    readonly_fields = ("sale", "why", "evidence", "asked", "left", "figures", "standing", "refunded")
    named = {"assignment_id": "distribution.assignment"}
    short_id = id_column()
    sale = named_field("assignment_id", label="assignment")
    why = word_column(
        "reason", words={code: row.label for code, row in RETURN_REASONS.items()}, label="reason"
    )
    standing = word_column("state", words=dict(ReturnState.choices))
    refunded = money_column("refund_cents", label="refunded")
    requested = time_column("requested_at")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path(
                "<path:object_id>/file/<uuid:file_id>/",
                view(self.download),
                name="distribution_returnrequest_file",
            ),
            path("figures/", view(self.show_figures), name="distribution_returnrequest_figures"),
            *super().get_urls(),
        ]

    def title_of(self, row: ReturnRequest) -> str:
        return f"Return of {row.buyer.name} ({short_id(row.public_id)})"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """The form is read-only. The permission is that of the actions (DECIDE)."""
        return False

    def scan_limit(self, asked: Mapping[str, str], *, ids: Sequence[int] | None) -> int | None:  # noqa: ARG002
        """Those that wait are few and have an index."""
        others = {"reason__exact", "is_automatic__exact"} & {name for name, value in asked.items() if value}
        is_ended = asked.get("state__exact", ReturnState.REQUESTED) != ReturnState.REQUESTED
        return MAX_SCANNED if others or is_ended else None

    def of_workspaces(self, queryset: QuerySet[Any], ids: Sequence[int]) -> QuerySet[Any]:
        return queryset.filter(
            buyer_id__in=list(Buyer.objects.filter(workspace__in=ids).values_list("pk", flat=True))
        )

    def find_named(self, text: str, *, request: HttpRequest) -> Q:
        """By ids that are looked up first."""
        if parse_text(text) is None:
            return Q(pk__in=[])
        public_id = parse_uuid(text)
        named = Q(public_id=public_id) if public_id else Q(name__icontains=text)
        buyers = self.admin_site.get_model_admin(Buyer).get_queryset(request).filter(named)
        found = Q(
            buyer_id__in=self.find_first(
                buyers.order_by("pk"), most=MAX_FOUND, what="buyers", request=request
            )
        )
        if public_id:
            sold = Assignment.objects.filter(public_id=public_id)
            found |= Q(public_id=public_id) | Q(assignment_id__in=list(sold.values_list("pk", flat=True)))
        return found

    @admin.display(description="asked for", ordering="asked_cents")
    def asked(self, row: ReturnRequest) -> str:
        if row.asked_cents is None:
            return f"all of {money(row.assignment.price_cents)}"
        return f"{money(row.asked_cents)} of {money(row.assignment.price_cents)}"

    @admin.display(description="left of the charge")
    def left(self, row: ReturnRequest) -> str:
        return money(charge_left(row.assignment_id))

    @admin.display(description="files")
    def evidence(self, row: ReturnRequest) -> SafeString | str:
        files = row.files.defer("content").order_by("pk")
        links = (
            (reverse("admin:distribution_returnrequest_file", args=[row.pk, file.public_id]), file.name)
            for file in files
        )
        return format_html_join(", ", '<a href="{}" download>{}</a>', links) or NOTHING

    @admin.display(description="buyer's returns")
    def figures(self, row: ReturnRequest) -> SafeString:
        found = read_figures(row.buyer, at=timezone.now())
        return format_html("{}", describe_figures(found))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        buttons = [] if row is None else [*self._decisions(request, row), *_neighbors(row)]
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "keyed_buttons": buttons}
        )

    def _decisions(self, request: HttpRequest, row: ReturnRequest) -> list[dict[str, str]]:
        if row.state != ReturnState.REQUESTED or not self.has_decide_permission(request):
            return []
        url = reverse("admin:distribution_returnrequest_act", args=["NAME"])
        return [
            {"title": each.title, "key": each.key, "url": f"{url.replace('NAME', name)}?ids={row.pk}"}
            for name, each in ACTIONS.items()
        ]

    def download(self, request: HttpRequest, object_id: str, file_id: Any) -> HttpResponse:
        """Only for who may see the return. The browser saves it and never shows it."""
        self.require("distribution.view_returnrequest", request=request)
        row = self.get_object(request, object_id)
        file = (
            None if row is None else ReturnFile.objects.filter(request_id=row.pk, public_id=file_id).first()
        )
        if file is None:
            raise Http404
        return as_attachment(file)

    def show_figures(self, request: HttpRequest) -> HttpResponse:
        """Returns by buyer in the current period."""
        self.require("distribution.view_returnrequest", request=request)
        buyers, ids = Buyer.objects.select_related("workspace").order_by("pk"), visible_ids(request)
        if ids is not None:
            buyers = buyers.filter(workspace__in=ids)
        chosen = parse_id(request.GET.get("workspace", ""))
        if chosen is not None:
            buyers = buyers.filter(workspace=chosen)
        found = list(buyers.filter(HAS_RETURNS)[: MAX_FIGURES + 1])
        context = {
            **self.admin_site.each_context(request),
            "title": "Returns by buyer",
            "opts": self.opts,
            "figures": read_all_figures(found[:MAX_FIGURES], at=timezone.now()),
            "is_cut": len(found) > MAX_FIGURES,
            "most": MAX_FIGURES,
            "media": self.media,
        }
        return TemplateResponse(request, "admin/distribution/returnrequest/figures.html", context)


def describe_figures(found: ReturnFigures) -> str:
    sold, returned = count(found.usage.sold, "lead"), found.usage.returned
    period = f"{found.period.first} to {found.period.last}"
    return f"{returned} of {sold} sold from {period} ({found.rate}); left of the limit: {found.left}"


def _neighbors(row: ReturnRequest) -> list[dict[str, str]]:
    url = reverse("admin:distribution_returnrequest_next")
    return [
        {"title": "Previous", "key": "k", "url": f"{url}?before={row.pk}"},
        {"title": "Next", "key": "j", "url": f"{url}?after={row.pk}"},
    ]
