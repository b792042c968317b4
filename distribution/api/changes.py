"""A buyer sees the changes that wait for its agency or were decided, and takes one back."""

from typing import Any
from uuid import UUID

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from distribution.api import changesdocuments as documents
from distribution.api.buyer import PAGED
from distribution.api.changing import ChangingView, refusals_as_errors
from distribution.api.parameters import read_choice
from distribution.models import BuyerScope, ChangeProposal, ProposalState
from distribution.selfservice.approvals import find_proposal, list_proposals, withdraw
from routing.api.answers import write_time
from routing.api.keyview import not_found


class ChangesView(ChangingView):
    scopes = {"get": BuyerScope.ACCOUNT_READ}
    query_parameters = {"get": (*PAGED, "state")}

    @documents.LIST_CHANGES
    def get(self, request: Request) -> Response:
        paging = self.read_paging("changes")
        rows = list_proposals(self.buyer)
        state = read_choice(request, "state", ProposalState.values)
        if state is not None:
            rows = rows.filter(state=state)
        if paging.before is not None:
            rows = rows.filter(pk__lt=paging.before)
        return Response(paging.describe(list(rows[: paging.most_read]), describe_proposal))


class _ChangeView(ChangingView):
    def find(self, public_id: UUID) -> ChangeProposal:
        found = find_proposal(public_id, buyer=self.buyer)
        if found is None:
            raise not_found()
        return found


class ChangeView(_ChangeView):
    scopes = {"get": BuyerScope.ACCOUNT_READ}

    @documents.GET_CHANGE
    def get(self, request: Request, public_id: UUID) -> Response:  # noqa: ARG002 - the signature is DRF's
        return Response(describe_proposal(self.find(public_id)))


class WithdrawChangeView(_ChangeView):
    http_method_names = ["post"]
    scopes = {"post": BuyerScope.ACCOUNT_WRITE}

    @documents.WITHDRAW_CHANGE
    def post(self, request: Request, public_id: UUID) -> Response:  # noqa: ARG002
        found = self.find(public_id)
        with refusals_as_errors():
            withdraw(found.pk, by=self.author)
        return Response(describe_proposal(self.find(public_id)))


def describe_proposal(proposal: ChangeProposal) -> dict[str, Any]:
    """Who decided is confidential to the agency."""
    place = proposal.enrollment
    return {
        "id": str(proposal.public_id),
        "state": proposal.state,
        "fields": proposal.fields,
        "change": proposal.patch,
        "campaign_id": None if place is None else str(place.campaign.public_id),
        "asked_at": write_time(proposal.asked_at),
        "decided_at": write_time(proposal.decided_at),
        "decision_reason": proposal.decision_reason,
    }


def answer_waiting(proposal: ChangeProposal) -> Response:
    """202: nothing has changed yet."""
    headers = {"Location": reverse("buyer-change", args=[proposal.public_id])}
    return Response(describe_proposal(proposal), status=202, headers=headers)
