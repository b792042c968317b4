"""The buyers' API: ledger, the leads a buyer bought and those it missed."""

from datetime import datetime
from typing import Final
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from distribution.api import buyeranswers as answers
from distribution.api import buyerdocuments as documents
from distribution.api import misseddocuments
from distribution.api.authentication import BuyerKeyAuthentication, get_buyer_key
from distribution.api.paging import Paging, read_paging
from distribution.api.parameters import (
    read_choice,
    read_choices,
    read_day,
    read_limit,
    read_period,
    read_since,
)
from distribution.explain.missed import NEWEST, find_missed, list_missed
from distribution.explain.missed_period import MissedFilter, MissedPeriod
from distribution.explain.missed_rows import MISSED_REASONS
from distribution.models import AssignmentState, Buyer, BuyerKey, BuyerScope, LedgerKind
from distribution.queries import (
    find_assignment,
    find_first_assignment,
    list_assignments,
    list_assignments_since,
    list_ledger,
)
from routing.access.cursor import seal
from routing.api.keyview import KeyView, not_found
from routing.api.parameters import wrong_parameter

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
    query_parameters = {"get": (*PAGED, "state", "day", "since")}

    @documents.LIST_ASSIGNMENTS
    def get(self, request: Request) -> Response:
        if "since" in request.query_params:
            return self._list_since(request)
        paging = self.read_paging("assignments")
        bought = list_assignments(
            self.buyer,
            limit=paging.most_read,
            before=paging.before,
            period=read_day(request, timezone=self.buyer.timezone),
            state=read_choice(request, "state", AssignmentState.values),
        )
        return Response({**paging.describe(bought, answers.describe_assignment), "next_since": None})

    def _list_since(self, request: Request) -> Response:
        """For polling: oldest first, and `next_since` is always there."""
        for name in ("cursor", "state", "day"):
            if name in request.query_params:
                raise wrong_parameter(name, "cannot be used with `since`: leave it out")
        purpose = f"assignments since:{self.buyer.pk}"
        after = read_since(request, purpose=purpose, begin=self._find_begin)
        found = list_assignments_since(self.buyer, after=after, limit=read_limit(request))
        next_since = seal(found[-1].pk if found else after, purpose=purpose)
        results = [answers.describe_assignment(each) for each in found]
        return Response({"results": results, "next_cursor": None, "next_since": next_since})

    def _find_begin(self, at: datetime) -> int:
        return find_first_assignment(self.buyer, at=at)


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
    query_parameters = {"get": (*PAGED, "reason", "exclude", "from", "to")}

    @misseddocuments.LIST_MISSED
    def get(self, request: Request) -> Response:
        paging = self.read_paging("missed")
        missed, stop = list_missed(
            self.buyer,
            limit=paging.most_read,
            before=NEWEST if paging.before is None else paging.before,
            only=_read_filter(request),
        )
        page = paging.describe(
            missed, answers.describe_missed, position=lambda each: each.position, stop=stop
        )
        return Response(page)


def _read_filter(request: Request) -> MissedFilter:
    period = read_period(request)
    return MissedFilter(
        reason=read_choice(request, "reason", MISSED_REASONS),
        exclude=read_choices(request, "exclude", MISSED_REASONS),
        period=MissedPeriod(period.starts_at, period.ends_at),
    )


class MissedLeadView(BuyerView):
    scopes = {"get": BuyerScope.MISSED_READ}

    @misseddocuments.GET_MISSED
    def get(self, request: Request, public_id: UUID) -> Response:  # noqa: ARG002 - the signature is DRF's
        found = find_missed(public_id, buyer=self.buyer)
        if found is None:
            raise not_found()
        return Response(answers.describe_missed_lead(*found))
