"""The page "Bids by hour": how many buyers answered the auctions of the last hours, and with which bids."""

from datetime import datetime, timedelta
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from distribution.admin.bid_charts import draw_answers, draw_prices, read_bids
from tracing.admin.confirming import ConfirmingAdmin
from tracing.admin.scope import visible_ids, visible_names
from tracing.parsing import parse_id
from tracing.wording import moment

VIEW: Final = "distribution.view_offer"
WINDOWS: Final = {"24h": ("24 hours", 24), "7d": ("7 days", 7 * 24)}
DEFAULT: Final = "24h"


class BidFiguresAdmin(ConfirmingAdmin):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.show_figures)
        return [path("by-hour/", view, name="distribution_bid_figures"), *super().get_urls()]

    def show_figures(self, request: HttpRequest) -> HttpResponse:
        """`?workspace=` chooses, `?window=` is one of WINDOWS."""
        self.require(VIEW, request=request)
        at, window = timezone.now(), request.GET.get("window", "")
        window = window if window in WINDOWS else DEFAULT
        chosen = _read_workspace(request)
        start = _first_hour(at, WINDOWS[window][1])
        figures = read_bids(start, workspace_ids=visible_ids(request) if chosen is None else [chosen])
        charts = (
            [draw(figures.by_hour, start=start, end=at) for draw in (draw_answers, draw_prices)]
            if figures.by_hour
            else []
        )
        context = {
            **self.admin_site.each_context(request),
            "title": "Bids by hour",
            "opts": self.opts,
            "at": at,
            "chosen": {"window": window, "workspace_id": chosen},
            "label": WINDOWS[window][0],
            "windows": [(name, label) for name, (label, _) in WINDOWS.items()],
            "workspaces": visible_names(request),
            "counted_from": moment(figures.counted_from) if figures.is_cut else "",
            "charts": charts,
            "data": {chart.name: chart.data for chart in charts},
        }
        return TemplateResponse(request, "admin/distribution/bid/figures.html", context)


def _read_workspace(request: HttpRequest) -> int | None:
    """Raises Http404 unless the user sees the workspace."""
    asked = request.GET.get("workspace", "")
    workspace_id = parse_id(asked)
    if asked and workspace_id not in dict(visible_names(request)):
        raise Http404
    return workspace_id


def _first_hour(at: datetime, hours: int) -> datetime:
    """A whole hour, so that the first one of the chart is complete."""
    return (at - timedelta(hours=hours - 1)).replace(minute=0, second=0, microsecond=0)
