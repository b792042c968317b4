"""Choices of a form that fit the campaign it was opened for: its tiers, and the buyers of its workspace."""

from typing import Any, Final
from urllib.parse import urlencode

from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import QuerySet
from django.http import HttpRequest

from distribution.models import Campaign
from tracing.parsing import parse_id

CAMPAIGN: Final = "campaign"


class NarrowedSelect(AutocompleteSelect):
    """Sends the campaign with each question. `campaign_id` None: everything that the user may see is found."""

    campaign_id: int | None = None

    def get_url(self) -> str:
        url = super().get_url()
        return url if self.campaign_id is None else f"{url}?{urlencode({CAMPAIGN: self.campaign_id})}"


def read_campaign_id(request: HttpRequest) -> int | None:
    """From the address: of the form that was opened, or of a question for choices."""
    return parse_id(request.GET.get(CAMPAIGN, ""))


def narrow(form: Any, *, names: tuple[str, ...], campaign_id: int | None) -> None:
    """`form`: a class that one request uses."""
    for name in names:
        if name in form.base_fields:
            widget = form.base_fields[name].widget
            select = getattr(widget, "widget", widget)
            if isinstance(select, NarrowedSelect):
                select.campaign_id = campaign_id


def find_tiers(rows: QuerySet[Any], *, request: HttpRequest) -> QuerySet[Any]:
    campaign_id = _read_asked(request)
    return rows if campaign_id is None else rows.filter(campaign_id=campaign_id)


def find_buyers(rows: QuerySet[Any], *, request: HttpRequest) -> QuerySet[Any]:
    campaign_id = _read_asked(request)
    if campaign_id is None:
        return rows
    return rows.filter(workspace_id__in=Campaign.objects.filter(pk=campaign_id).values("workspace_id"))


def _read_asked(request: HttpRequest) -> int | None:
    """None for a list, whose filters have parameters of their own."""
    is_question = request.resolver_match is not None and request.resolver_match.url_name == "autocomplete"
    return read_campaign_id(request) if is_question else None
