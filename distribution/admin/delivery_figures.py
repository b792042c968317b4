"""The page "Deliveries by endpoint": what waits for a person, which endpoints fail now, and how each one answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from distribution.admin.delivery_actions import ACTIONS, RESOLVE, act_url
from distribution.admin.delivery_charts import describe_ms, make_latency, make_outcomes
from distribution.admin.home import BY_ITSELF
from distribution.admin.hour_charts import NOTHING
from distribution.deliveries.figures import MAX_TRIES, Figures, TryFigures, read_try_figures
from distribution.models import DeliveryState, DeliveryTry, DisabledReason, Endpoint, Purpose
from tracing.admin.columns import describe_id
from tracing.admin.confirming import ConfirmingAdmin
from tracing.admin.named import NamingAdmin
from tracing.admin.scope import visible_ids, visible_names
from tracing.parsing import parse_id
from tracing.wording import count, moment, span

VIEW: Final = "distribution.view_delivery"
WINDOWS: Final = {"24h": ("24 hours", 24), "7d": ("7 days", 7 * 24)}
DEFAULT: Final = "24h"
MAX_WAITING: Final = 20
MAX_FAILING: Final = 50
MAX_ENDPOINTS: Final = 50
MAX_COUNTED: Final = 1_000
DECISIONS: Final = ("accepted", "rejected", "resend")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the page shows. `endpoint_ids` None: every endpoint."""

    window: str
    workspace_id: int | None
    endpoint: Endpoint | None
    endpoint_ids: Sequence[int] | None

    @property
    def label(self) -> str:
        return WINDOWS[self.window][0]

    def start(self, at: datetime) -> datetime:
        """A whole hour, so that the first one of the chart is complete."""
        first = at - timedelta(hours=WINDOWS[self.window][1] - 1)
        return first.replace(minute=0, second=0, microsecond=0)


class DeliveryFiguresAdmin(ConfirmingAdmin, NamingAdmin):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.show_figures)
        return [path("by-endpoint/", view, name="distribution_delivery_figures"), *super().get_urls()]

    def show_figures(self, request: HttpRequest) -> HttpResponse:
        """`?endpoint=` and `?workspace=` choose, `?window=` is one of WINDOWS."""
        self.require(VIEW, request=request)
        at, chosen = timezone.now(), self._choose(request)
        ids = chosen.endpoint_ids
        figures = read_try_figures(chosen.start(at), at, endpoint_ids=ids, most=MAX_TRIES)
        charts = [make_outcomes(figures), make_latency(figures)] if figures.by_hour else []
        context = {
            **self.admin_site.each_context(request),
            "title": "Deliveries by endpoint",
            "opts": self.opts,
            "at": at,
            "chosen": chosen,
            "windows": [(name, label) for name, (label, _) in WINDOWS.items()],
            "workspaces": visible_names(request),
            "charts": charts,
            "data": {chart.name: chart.data for chart in charts},
            "counted_from": moment(figures.counted_from) if figures.is_cut else "",
            "endpoints": self._list_endpoints(request, figures),
            "most": MAX_ENDPOINTS,
            "endpoints_total": len(figures.by_endpoint),
            **self._read_waiting(request, chosen, at=at),
            "failing": self._list_failing(request, chosen, at=at),
        }
        return TemplateResponse(request, "admin/distribution/delivery/figures.html", context)

    def _choose(self, request: HttpRequest) -> Chosen:
        """Raises Http404 unless the user sees the workspace and the endpoint."""
        asked, endpoint, ids = request.GET, None, visible_ids(request)
        window = asked.get("window", "")
        workspace_id = parse_id(asked.get("workspace", ""))
        if asked.get("workspace") and workspace_id not in dict(visible_names(request)):
            raise Http404
        endpoints = self._endpoints(request)
        if workspace_id is not None:
            endpoints = endpoints.filter(workspace=workspace_id)
        if asked.get("endpoint"):
            endpoint = endpoints.filter(pk=parse_id(asked["endpoint"]) or 0).first()
            if endpoint is None:
                raise Http404
            endpoints = endpoints.filter(pk=endpoint.pk)
        is_whole = ids is None and workspace_id is None and endpoint is None
        return Chosen(
            window=window if window in WINDOWS else DEFAULT,
            workspace_id=workspace_id,
            endpoint=endpoint,
            endpoint_ids=None if is_whole else list(endpoints.values_list("pk", flat=True)),
        )

    def _endpoints(self, request: HttpRequest) -> QuerySet[Endpoint]:
        """Of leads and of events."""
        page: Any = self.admin_site.get_model_admin(Endpoint)
        rows: QuerySet[Endpoint] = page.list_visible(request)
        return rows.select_related("buyer__workspace", "source__workspace", "workspace")

    def _list_endpoints(self, request: HttpRequest, figures: Figures) -> list[Mapping[str, Any]]:
        """Those with the most tries first."""
        busiest = sorted(figures.by_endpoint.items(), key=lambda each: (-each[1].total, each[0]))
        shown = dict(busiest[:MAX_ENDPOINTS])
        rows = {row.pk: row for row in self._endpoints(request).filter(pk__in=shown)}
        return [_describe_endpoint(rows[pk], found) for pk, found in shown.items() if pk in rows]

    def _read_waiting(self, request: HttpRequest, chosen: Chosen, *, at: datetime) -> Mapping[str, Any]:
        rows = self.get_queryset(request).filter(state=DeliveryState.UNKNOWN)
        if chosen.endpoint_ids is not None:
            rows = rows.filter(endpoint_id__in=chosen.endpoint_ids)
        tried = DeliveryTry.objects.filter(delivery=OuterRef("pk")).order_by("-number")
        oldest = rows.annotate(tried_at=Subquery(tried.values("started_at")[:1])).order_by("pk")
        shown = list(oldest[:MAX_WAITING])
        number = rows.order_by()[: MAX_COUNTED + 1].count()
        leads = self.find_names(
            request,
            "routing.lead",
            {row.lead_id for row in shown},
            describe=lambda lead: describe_id(lead.public_id),
        )
        buttons = DECISIONS if request.user.has_perm(RESOLVE) else ()
        return {
            "waiting": [_describe_waiting(row, leads[row.lead_id], buttons, at=at) for row in shown],
            "waiting_total": f"{MAX_COUNTED:,} or more deliveries"
            if number > MAX_COUNTED
            else count(number, "delivery", "deliveries"),
            "waiting_url": f"{reverse('admin:distribution_delivery_changelist')}?state=unknown",
            "is_waiting_cut": number > len(shown),
        }

    def _list_failing(
        self, request: HttpRequest, chosen: Chosen, *, at: datetime
    ) -> list[Mapping[str, object]]:
        """Failing without a success since, or switched off by what the buyer's system answered."""
        failing = Q(failing_since__isnull=False, disabled_at__isnull=True) | Q(disabled_reason__in=BY_ITSELF)
        rows = self._endpoints(request).filter(failing, active=True)
        if chosen.endpoint_ids is not None:
            rows = rows.filter(pk__in=chosen.endpoint_ids)
        return [_describe_failing(row, at=at) for row in rows.order_by("failing_since", "pk")[:MAX_FAILING]]


def _describe_endpoint(endpoint: Endpoint, found: TryFigures) -> Mapping[str, Any]:
    return {
        **_link(endpoint),
        "figures": found,
        "share": round(found.accepted_share),
        "half": describe_ms(found.half_ms),
        "most": describe_ms(found.most_ms),
    }


def _describe_waiting(
    row: Any, lead: object, buttons: Sequence[str], *, at: datetime
) -> Mapping[str, object]:
    return {
        "title": str(row.endpoint),
        "url": reverse("admin:distribution_delivery_change", args=[row.pk]),
        "lead": lead,
        "tries": row.tries,
        "waits": NOTHING if row.tried_at is None else span((at - row.tried_at).total_seconds()),
        "is_direct_post": row.is_direct_post,
        "buttons": [(ACTIONS[name].title, act_url(name, row.pk)) for name in buttons],
    }


def _describe_failing(endpoint: Endpoint, *, at: datetime) -> Mapping[str, object]:
    since = endpoint.failing_since or endpoint.disabled_at
    off = "" if endpoint.disabled_at is None else DisabledReason(endpoint.disabled_reason).label
    return {
        **_link(endpoint),
        "since": NOTHING if since is None else span((at - since).total_seconds()),
        "last_success": "never" if endpoint.last_success_at is None else moment(endpoint.last_success_at),
        "state": f"disabled: {off}" if off else "live, and tried again",
    }


def _link(endpoint: Endpoint) -> Mapping[str, object]:
    """A ping endpoint has bids and no deliveries."""
    is_ping = endpoint.purpose == Purpose.PING
    listed = reverse(f"admin:distribution_{'bid' if is_ping else 'delivery'}_changelist")
    page = "pingendpoint" if is_ping else "subscription" if endpoint.events else "endpoint"
    shown = f"buyer={endpoint.buyer_id}" if is_ping else f"q={endpoint.public_id}"
    return {
        "name": endpoint.name,
        "owner": endpoint.owner_name,
        "pk": endpoint.pk,
        "url": reverse(f"admin:distribution_{page}_change", args=[endpoint.pk]),
        "deliveries_url": f"{listed}?{shown}",
    }
