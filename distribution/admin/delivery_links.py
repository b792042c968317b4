"""The links from a buyer and from an endpoint to their deliveries."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from distribution.models import Endpoint
from tracing.admin.scope import PlainAdmin

VIEW: Final = "distribution.view_delivery"


class DeliveryLinksAdmin(PlainAdmin):
    """The list of deliveries finds them by the public id of the buyer or endpoint."""

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *arguments: Any, **named: Any
    ) -> HttpResponse:
        row = context.get("original")
        if row is not None:
            context["page_links"] = self.list_page_links(row, request=request)
        return super().render_change_form(request, context, *arguments, **named)

    def list_page_links(self, row: Any, *, request: HttpRequest) -> list[dict[str, str]]:
        return _list_links(row) if request.user.has_perm(VIEW) else []


def _list_links(row: Any) -> list[dict[str, str]]:
    listed, figures = (reverse(f"admin:distribution_delivery_{name}") for name in ("changelist", "figures"))
    deliveries = {"title": "Deliveries", "url": f"{listed}?q={row.public_id}"}
    if not isinstance(row, Endpoint):
        return [deliveries]
    return [deliveries, {"title": "Latency and success", "url": f"{figures}?endpoint={row.pk}"}]
