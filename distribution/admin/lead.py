"""The page of leads with their trace. Registered here: routing does not know distribution."""

from typing import Any

from django.contrib import admin

from distribution.admin.trace_view import TraceViews
from routing.admin.lead import LeadAdmin
from routing.models import Lead


@admin.register(Lead)
class ToldLeadAdmin(TraceViews, LeadAdmin):
    list_display: Any = (
        LeadAdmin.list_display[0],
        "trace_link",
        *LeadAdmin.list_display[1:],
    )
