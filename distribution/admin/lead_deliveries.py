"""The deliveries of a lead on its page, with every request and answer."""

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from distribution.admin.delivery_texts import describe_tries
from distribution.models import Delivery, DeliveryState, DeliveryTry
from routing.models import Lead, LeadStatus
from tracing.admin.columns import badge
from tracing.admin.scope import PlainAdmin
from tracing.wording import count, moment

VIEW: Final = "distribution.view_delivery"
MAX_SHOWN: Final = 20
SENT: Final = (LeadStatus.DISTRIBUTED, LeadStatus.POSTING, LeadStatus.RETURNED)


class LeadDeliveriesAdmin(PlainAdmin):
    """A lead that was never sold has no such section."""

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *arguments: Any, **named: Any
    ) -> HttpResponse:
        lead = context.get("original")
        if isinstance(lead, Lead) and lead.status in SENT and request.user.has_perm(VIEW):
            context["deliveries"] = self._read_deliveries(request, lead)
        return super().render_change_form(request, context, *arguments, **named)

    def _read_deliveries(self, request: HttpRequest, lead: Lead) -> Mapping[str, object]:
        """The newest ones first. Two statements."""
        page = self.admin_site.get_model_admin(Delivery)
        tries = Prefetch("requests", queryset=DeliveryTry.objects.order_by("number"))
        rows = page.get_queryset(request).filter(lead_id=lead.pk).order_by("-pk").prefetch_related(tries)
        found = list(rows[: MAX_SHOWN + 1])
        return {
            "rows": [_describe(row, is_open=row is found[0]) for row in found[:MAX_SHOWN]],
            "is_cut": len(found) > MAX_SHOWN,
            "most": MAX_SHOWN,
            "url": f"{reverse('admin:distribution_delivery_changelist')}?q={lead.public_id}",
        }


def _describe(row: Delivery, *, is_open: bool) -> Mapping[str, object]:
    at = row.ended_at or row.next_try_at
    when = "" if at is None else f"{'ended' if row.ended_at else 'next try'} {moment(at)}"
    facts = (when, row.end_reason, count(row.tries, "try", "tries"))
    return {
        "title": str(row.endpoint),
        "url": reverse("admin:distribution_delivery_change", args=[row.pk]),
        "state": badge(DeliveryState(row.state).label, code=row.state),
        "facts": ", ".join(filter(None, facts)),
        "tries": describe_tries(row.requests.all(), is_open=is_open),
    }
