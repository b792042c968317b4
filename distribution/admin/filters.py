"""The filter of leads by campaign: those that it tried, sold or not."""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from distribution.models import Campaign
from tracing.admin.scope import visible_ids
from tracing.models import Attempt
from tracing.parsing import parse_id


class CampaignFilter(admin.SimpleListFilter):
    title = "campaign"
    parameter_name = "campaign"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        campaigns, ids = Campaign.objects.order_by("name"), visible_ids(request)
        if ids is not None:
            campaigns = campaigns.filter(workspace_id__in=ids)
        return [(str(each.pk), str(each)) for each in campaigns.select_related("workspace")[:200]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        value = self.value()
        if not value:
            return queryset
        tried = Attempt.objects.filter(lead_id=OuterRef("pk"), campaign_id=parse_id(value))
        return queryset.filter(Exists(tried))
