"""Everything that a buyer has set, on one page, and the page "More" of phones."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst

from distribution.configuration.describe import describe_service_area
from distribution.engine import DefinitionError
from distribution.explain.enrollment import read_usage
from distribution.models import CampaignMode, Enrollment, ProposalState
from distribution.portal.filter import describe_filter
from distribution.portal.pages import PortalPage
from distribution.queries import list_enrollments_to_explain
from distribution.selfservice.approvals import list_proposals
from distribution.selfservice.pauses import describe_pause
from routing.calendar.hours import HoursError, validate_hours
from routing.values.opening_hours import describe_hours
from tracing.wording import count


class SettingsPage(PortalPage):
    section = "portal-settings"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - the signature is Django's
        places = list_enrollments_to_explain(self.buyer)
        context = {
            "area": _describe_area(self.buyer.service_area),
            "hours": _describe_hours(self.buyer.hours),
            "pause": describe_pause(self.buyer, at=self.at),
            "waiting_changes": list_proposals(self.buyer).filter(state=ProposalState.WAITING).count(),
            "answered": _describe_answers(places, self.buyer.answers),
            "places": [self._describe(each) for each in places],
        }
        return self.show_page("settings", context)

    def _describe(self, place: Enrollment) -> dict[str, Any]:
        return {
            "campaign": place.campaign,
            "usage": read_usage(place, at=self.at),
            "filter": describe_filter(place.lead_filter),
            "is_auction": place.campaign.mode == CampaignMode.AUCTION,
        }


class MorePage(PortalPage):
    """A phone has no room for every link."""

    section = "portal-more"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - the signature is Django's
        return self.show_page("more", {})


def _describe_answers(places: Sequence[Enrollment], answers: Mapping[str, Any]) -> str:
    keys = {question["key"] for place in places for question in place.campaign.questions}
    if not keys:
        return "Your campaigns ask no questions."
    return f"{len(keys & answers.keys())} of {count(len(keys), 'question')} answered."


def _describe_area(area: object) -> str:
    try:
        text = describe_service_area(area)  # type: ignore[arg-type]  # a script may have stored anything
    except (DefinitionError, AttributeError):
        return "It cannot be read."
    return capfirst(text.replace("this buyer would get", "you get")) + "."


def _describe_hours(hours: object) -> str:
    try:
        validate_hours(hours)
    except HoursError:
        return "not readable"
    return describe_hours(hours)  # type: ignore[arg-type]  # checked above
