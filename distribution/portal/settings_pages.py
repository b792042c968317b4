"""Everything that a buyer has set, on one page, and the page "More" of phones."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse

from distribution.explain.enrollment import read_usage
from distribution.models import CampaignMode, Enrollment, ProposalState
from distribution.portal.filter import describe_filter
from distribution.portal.pages import PortalPage
from distribution.portal.setting_words import describe_area, describe_opening
from distribution.queries import list_enrollments_to_explain
from distribution.selfservice.approvals import list_proposals
from distribution.selfservice.pauses import describe_pause
from tracing.wording import count


class SettingsPage(PortalPage):
    section = "portal-settings"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - the signature is Django's
        places = list_enrollments_to_explain(self.buyer)
        context = {
            "area": describe_area(self.buyer.service_area),
            "hours": describe_opening(self.buyer.hours),
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
