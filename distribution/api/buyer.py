"""The buyers' API: ledger, the leads a buyer bought and those it missed."""

from typing import Final
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from distribution.api import buyeranswers as answers
from distribution.api import buyerdocuments as documents
from distribution.api import misseddocuments
from distribution.api.authentication import BuyerKeyAuthentication, get_buyer_key
from distribution.api.paging import Paging, read_paging
from distribution.api.parameters import read_choice, read_day, read_period
from distribution.explain.missed import MISSED_REASONS, NEWEST, find_missed, list_missed
from distribution.models import AssignmentState, Buyer, BuyerKey, BuyerScope, LedgerKind
from distribution.queries import find_assignment, list_assignments, list_ledger
from routing.api.keyview import KeyView, not_found

PAGED: Final = ("limit", "cursor")


class BuyerView(KeyView):
    """Every view shows data of the buyer in `request.auth`. Data of another buyer is not found."""

    authentication_classes = [BuyerKeyAuthentication]
    key_model = BuyerKey
    rate_kind = "buyer"
    http_method_names = ["get", "head"]

    @property
    def buyer(self) -> Buyer:
        return get_buyer_key(self.request).buyer

    def read_paging(self, name: str) -> Paging:
        return read_paging(self.request, purpose=f"{name}:{self.buyer.pk}")


class LedgerView(BuyerView):
    scopes = {"get": BuyerScope.WALLET_READ}
    query_parameters = {"get": (*PAGED, "kind", "from", "to")}

    @documents.LIST_LEDGER
    def get(self, request: Request) -> Response:
        paging = self.read_paging("ledger")
        entries = list_ledger(
            self.buyer,
            limit=paging.most_read,
            before=paging.before,
            period=read_period(request),
            kind=read_choice(request, "kind", LedgerKind.values),
        )
        return Response(paging.describe(entries, answers.describe_entry))


class AssignmentsView(BuyerView):
    scopes = {"get": BuyerScope.ASSIGNMENTS_READ}
    query_parameters = {"get": (*PAGED, "state", "day")}

    @documents.LIST_ASSIGNMENTS
    def get(self, request: Request) -> Response:
        paging = self.read_paging("assignments")
        bought = list_assignments(
            self.buyer,
            limit=paging.most_read,
            before=paging.before,
            period=read_day(request, timezone=self.buyer.timezone),
            state=read_choice(request, "state", AssignmentState.values),
        )
        return Response(paging.describe(bought, answers.describe_assignment))


class AssignmentView(BuyerView):
    scopes = {"get": BuyerScope.ASSIGNMENTS_READ}

    @documents.GET_ASSIGNMENT
    def get(self, request: Request, public_id: UUID) -> Response:  # noqa: ARG002 - the signature is DRF's
        assignment = find_assignment(public_id, buyer=self.buyer)
        if assignment is None:
            raise not_found()
        return Response(answers.describe_assignment(assignment))


class MissedView(BuyerView):
    scopes = {"get": BuyerScope.MISSED_READ}
    query_parameters = {"get": (*PAGED, "reason")}

    @misseddocuments.LIST_MISSED
    def get(self, request: Request) -> Response:
        paging = self.read_paging("missed")
        missed, stop = list_missed(
            self.buyer,
            limit=paging.most_read,
            before=NEWEST if paging.before is None else paging.before,
            reason=read_choice(request, "reason", MISSED_REASONS),
        )
        page = paging.describe(
            missed, answers.describe_missed, position=lambda each: each.skip.event_id, stop=stop
        )
        return Response(page)


class MissedLeadView(BuyerView):
    scopes = {"get": BuyerScope.MISSED_READ}

    @misseddocuments.GET_MISSED
    def get(self, request: Request, public_id: UUID) -> Response:  # noqa: ARG002 - the signature is DRF's
        found = find_missed(public_id, buyer=self.buyer)
        if found is None:
            raise not_found()
        return Response(answers.describe_missed_lead(*found))
