"""The page of leads with their story. Registered here: routing does not know distribution."""

from typing import Any, ClassVar, Final

from django.contrib import admin
from django.utils.safestring import SafeString

from distribution.admin.filters import CampaignFilter
from distribution.admin.lead_actions import LeadActionsAdmin
from distribution.explain import explain
from distribution.storytext import to_text
from routing.admin.lead import Fieldsets, LeadAdmin
from routing.models import Lead
from tracing.admin.readonly import preformatted

LATEST: Final = 10


@admin.register(Lead)
class ToldLeadAdmin(LeadActionsAdmin, LeadAdmin):
    fieldsets: ClassVar[Fieldsets] = (("What happened and why", {"fields": ("story",)}), *LeadAdmin.fieldsets)
    list_filter: ClassVar[tuple[Any, ...]] = (*LeadAdmin.list_filter, CampaignFilter)
    readonly_fields: ClassVar[tuple[str, ...]] = ("story", *LeadAdmin.readonly_fields)

    @admin.display(description="story")
    def story(self, lead: Lead) -> SafeString:
        return preformatted(to_text(explain(lead, latest=LATEST)))
