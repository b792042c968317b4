"""The page of leads with their trace and actions. Routing may not import it, so it is registered here."""

from typing import Any, ClassVar

from django.contrib import admin

from distribution.admin.assigning import AssigningAdmin
from distribution.admin.filters import CampaignFilter
from distribution.admin.lead_deliveries import LeadDeliveriesAdmin
from distribution.admin.trace_view import TraceViews
from routing.admin.lead import LeadAdmin
from routing.models import Lead


@admin.register(Lead)
class LeadWithTraceAdmin(LeadDeliveriesAdmin, TraceViews, AssigningAdmin, LeadAdmin):
    change_form_template = "admin/routing/lead/change_form.html"
    list_display: Any = (
        LeadAdmin.list_display[0],
        "trace_link",
        *LeadAdmin.list_display[1:],
    )
    list_filter: ClassVar[tuple[Any, ...]] = (*LeadAdmin.list_filter, CampaignFilter)
