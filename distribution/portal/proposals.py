"""Changes that wait for the agency, or were decided by it."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from distribution.models import ChangeProposal, ProposalState
from distribution.portal.changes import REASON
from distribution.portal.differences import describe_differences
from distribution.portal.pages import PortalPage
from distribution.selfservice.approvals import find_proposal, list_proposals, withdraw
from distribution.selfservice.author import Author
from distribution.selfservice.refusals import ChangeRefused

SHOWN: Final = 50
STATES: Final = {
    ProposalState.WAITING: ("waiting for your agency", "wait"),
    ProposalState.APPROVED: ("approved", "good"),
    ProposalState.DECLINED: ("declined", "bad"),
    ProposalState.WITHDRAWN: ("withdrawn", "quiet"),
}
PARTS: Final = {
    "profile": "Company",
    "area": "Service area",
    "hours": "Hours",
    "answers": "Answers",
    "pause": "Pause",
    "notice": "Notice of a low balance",
    "enrollment": "Caps, budgets, filter and bids",
}


class ProposalsPage(PortalPage):
    section = "portal-settings"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - the signature is Django's
        found = list_proposals(self.buyer)[:SHOWN]
        return self.show_page(
            "proposals", {"proposals": [describe_proposal(each, at=self.at) for each in found]}
        )


class WithdrawProposalPage(PortalPage):
    http_method_names = ["post"]
    section = "portal-settings"

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponse:  # noqa: ARG002 - Django's signature
        proposal = find_proposal(public_id, buyer=self.buyer)
        if proposal is None:
            raise Http404
        try:
            withdraw(proposal.pk, by=Author(self.user.actor, self.at, REASON))
        except ChangeRefused:  # the agency decided first: the list says how
            return HttpResponseRedirect(reverse("portal-proposals"))
        return HttpResponseRedirect(f"{reverse('portal-proposals')}?done=change-withdrawn")


def describe_proposal(proposal: ChangeProposal, *, at: datetime) -> dict[str, Any]:
    """The operator who decided is confidential to the agency."""
    words, tone = STATES[ProposalState(proposal.state)]
    campaign = proposal.enrollment.campaign.name if proposal.enrollment else ""
    is_waiting = proposal.state == ProposalState.WAITING
    return {
        "proposal": proposal,
        "part": PARTS.get(proposal.part, proposal.part),
        "campaign": campaign,
        "fields": ", ".join(each.replace("_", " ").replace(".", " per ") for each in proposal.fields),
        "state_words": words,
        "tone": tone,
        "is_waiting": is_waiting,
        "differences": describe_differences(proposal, at=at) if is_waiting else [],
    }
