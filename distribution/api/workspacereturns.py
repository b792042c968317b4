"""An agency's programs read returns and decide about them, with the use cases of the admin."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, NoReturn
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from distribution.api import workspacedocuments as documents
from distribution.api.bodies import invalid, read_body, read_cents, read_note, read_reason
from distribution.api.parameters import find_buyer, read_choice, read_public_id
from distribution.api.workspace import PAGED, WorkspaceView
from distribution.api.workspaceanswers import describe_decided_return
from distribution.models import Assignment, AssignmentState, ReturnRequest, ReturnState, WorkspaceScope
from distribution.money.movement import MoneyRefused
from distribution.money.wallet import charge_left, charges_left
from distribution.returns.by_hand import return_by_hand
from distribution.returns.decide import Decision, approve_return, decline_return
from distribution.returns.download import as_attachment
from distribution.returns.queries import (
    find_file_of_workspace,
    find_full_return,
    find_return_of_workspace,
    list_returns_of_workspace,
)
from distribution.returns.refusals import ReturnRefused
from routing.api.errors import ApiError
from routing.api.keyview import not_found
from routing.leads.actions import ActionRefused
from tracing.wording import money

APPROVAL: Final = {"amount_cents": read_cents, "reason": read_note}
REASON: Final = {"reason": read_reason}


class WorkspaceReturnsView(WorkspaceView):
    scopes = {"get": WorkspaceScope.RETURNS_READ}
    query_parameters = {"get": (*PAGED, "state", "buyer")}

    @documents.LIST_RETURNS
    def get(self, request: Request) -> Response:
        paging, state = self.read_paging("returns"), read_choice(request, "state", ReturnState.values)
        buyer_id = read_public_id(request, "buyer", what="a buyer")
        found = list_returns_of_workspace(
            self.workspace.pk,
            buyer=None if buyer_id is None else find_buyer(buyer_id, workspace_id=self.workspace.pk),
            limit=paging.most_read,
            before=paging.before,
            state=state,
        )
        left = charges_left([each.assignment_id for each in found])
        return Response(paging.describe(found, lambda each: describe_decided_return(each, left_cents=left)))


class WorkspaceReturnView(WorkspaceView):
    scopes = {"get": WorkspaceScope.RETURNS_READ}

    @documents.GET_RETURN
    def get(self, request: Request, public_id: UUID) -> Response:  # noqa: ARG002 - the signature is DRF's
        return Response(_describe(_find(public_id, view=self)))


class WorkspaceEvidenceView(WorkspaceView):
    scopes = {"get": WorkspaceScope.RETURNS_READ}

    @documents.GET_EVIDENCE
    def get(self, request: Request, public_id: UUID, file_id: UUID) -> HttpResponse:  # noqa: ARG002
        file = find_file_of_workspace(file_id, request_id=public_id, workspace_id=self.workspace.pk)
        if file is None:
            raise not_found()
        return as_attachment(file)


class ApproveView(WorkspaceView):
    scopes = {"post": WorkspaceScope.RETURNS_DECIDE}

    @documents.APPROVE
    def post(self, request: Request, public_id: UUID) -> Response:
        found, body = _find(public_id, view=self), read_body(request, APPROVAL, is_required=False)
        by = Decision(self.actor, datetime.now(UTC), body["reason"], amount_cents=body["amount_cents"])
        try:
            _decide(approve_return, found, by)
        except MoneyRefused as refusal:
            _refuse_amount(found, refusal, is_sent=by.amount_cents is not None)
        ended = _find(public_id, view=self)
        if by.amount_cents not in (None, ended.refund_cents):
            raise _conflict(ended, "It is already approved with another amount", code="already_ended")
        return Response(_describe(ended))


class DeclineView(WorkspaceView):
    scopes = {"post": WorkspaceScope.RETURNS_DECIDE}

    @documents.DECLINE
    def post(self, request: Request, public_id: UUID) -> Response:
        found, body = _find(public_id, view=self), read_body(request, REASON)
        _decide(decline_return, found, Decision(self.actor, datetime.now(UTC), body["reason"]))
        return Response(_describe(_find(public_id, view=self)))


class TakeBackView(WorkspaceView):
    scopes = {"post": WorkspaceScope.RETURNS_DECIDE}

    @documents.TAKE_BACK
    def post(self, request: Request, public_id: UUID) -> Response:
        sales = Assignment.objects.select_related("buyer")
        sale = sales.filter(public_id=public_id, buyer__workspace_id=self.workspace.pk).first()
        if sale is None:
            raise not_found()
        body = read_body(request, REASON)
        try:
            is_new = return_by_hand(sale, actor=self.actor, reason=body["reason"], at=datetime.now(UTC))
        except ActionRefused:
            raise _not_held(sale, "Nothing was changed: the buyer does not have this lead.") from None
        made = find_full_return(sale.pk, workspace_id=self.workspace.pk)
        if made is None:
            raise _not_held(sale, "It was taken back before, and no return of it was recorded.")
        headers = {"Location": reverse("workspace-return", args=[made.public_id])}
        return Response(_describe(made), status=201 if is_new else 200, headers=headers)


def _find(public_id: UUID, *, view: WorkspaceView) -> ReturnRequest:
    found = find_return_of_workspace(public_id, workspace_id=view.workspace.pk)
    if found is None:
        raise not_found()
    return found


def _describe(request: ReturnRequest) -> dict[str, Any]:
    left = {request.assignment_id: charge_left(request.assignment_id)}
    return describe_decided_return(request, left_cents=left)


def _decide(decide: Callable[[int, Decision], bool], found: ReturnRequest, by: Decision) -> None:
    """Does nothing if it ended so before. A refusal is 409, with what is so now."""
    try:
        decide(found.pk, by)
    except ReturnRefused as refusal:
        found.refresh_from_db()
        raise _conflict(found, refusal.message, code=refusal.code) from None


def _conflict(request: ReturnRequest, message: str, *, code: str) -> ApiError:
    now = {"state": request.state, "refund_cents": request.refund_cents}
    return ApiError(f"{message[0].upper()}{message[1:]}.", status_code=409, code=code, extra=now)


def _not_held(sale: Assignment, message: str) -> ApiError:
    sale.refresh_from_db(fields=["state"])
    return ApiError(
        message, status_code=409, code="not_held", extra={"state": AssignmentState(sale.state).value}
    )


def _refuse_amount(request: ReturnRequest, refusal: MoneyRefused, *, is_sent: bool) -> NoReturn:
    """An amount that was sent is a wrong field. What the buyer asked for may have become too much since."""
    left_cents = charge_left(request.assignment_id)
    if is_sent:
        most = f"must be at most {left_cents}, or left out" if left_cents else "must be left out"
        message = f"{most}: {money(left_cents)} of the charge is left"
        raise invalid("amount_cents", "amount_out_of_range", message) from None
    message = f"{refusal}: send `amount_cents` with at most {left_cents}, or decline"
    raise _conflict(request, message, code="amount_out_of_range") from None
