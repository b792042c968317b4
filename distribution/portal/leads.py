"""The leads that a buyer bought: the list, one lead with its deliveries, and a return of it."""

from typing import Any, Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse

from distribution.models import Assignment, AssignmentState, Delivery
from distribution.portal.pages import PortalPage
from distribution.portal.paging import SIZE, read_paging
from distribution.portal.return_limits import describe_limit_of
from distribution.portal.wording import ASSIGNMENT_STATES, DELIVERY_STATES
from distribution.queries import Period, find_assignment, list_assignments, list_deliveries_of
from distribution.returns.policy import find_policy

STATES: Final = [(state.value, words[0]) for state, words in ASSIGNMENT_STATES.items()]


class LeadsPage(PortalPage):
    section = "portal-leads"

    def get(self, request: HttpRequest) -> HttpResponse:
        state = request.GET.get("state", "")
        if state and state not in AssignmentState.values:
            raise Http404
        paging = read_paging(request, name="leads", buyer=self.buyer)
        bought = list_assignments(
            self.buyer, limit=SIZE + 1, before=paging.before, period=Period(), state=state or None
        )
        shown = paging.show(bought)
        context = {
            "page": shown,
            "leads": [describe_lead(each) for each in shown.rows],
            "states": STATES,
            "state": state,
        }
        return self.show_page("leads", context)


class LeadPage(PortalPage):
    section = "portal-leads"

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponse:  # noqa: ARG002 - as above
        assignment = find_assignment(public_id, buyer=self.buyer)
        if assignment is None:
            raise Http404
        returns = list(assignment.returns.order_by("-pk"))
        context = {
            **describe_lead(assignment),
            "attributes": sorted(assignment.lead.attributes.items()),
            "deliveries": [describe_delivery(each) for each in list_deliveries_of(assignment)],
            "returns": returns,
            "can_return": self.user.is_manager and _can_return(assignment, returns),
            "limit": describe_limit_of(assignment, find_policy(self.buyer)),
        }
        return self.show_page("lead", context)


def describe_lead(assignment: Assignment) -> dict[str, Any]:
    """Contact data is shown only of a lead that the buyer holds."""
    words, tone = ASSIGNMENT_STATES[AssignmentState(assignment.state)]
    return {
        "assignment": assignment,
        "lead": assignment.lead,
        "is_held": assignment.state == AssignmentState.SOLD,
        "state_words": words,
        "tone": tone,
    }


def describe_delivery(delivery: Delivery) -> dict[str, Any]:
    words, tone = DELIVERY_STATES.get(delivery.state, (delivery.state, "quiet"))  # type: ignore[call-overload]
    return {"delivery": delivery, "state_words": words, "tone": tone}


def _can_return(assignment: Assignment, returns: list[Any]) -> bool:
    is_open = any(each.state == "requested" for each in returns)
    return assignment.state == AssignmentState.SOLD and not is_open
