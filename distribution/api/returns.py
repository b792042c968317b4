"""Buyers ask for returns, add evidence, withdraw, and read what became of their requests."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, NoReturn
from uuid import UUID

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from distribution.api import returnanswers as answers
from distribution.api import returndocuments as documents
from distribution.api.buyer import PAGED, BuyerView
from distribution.api.parameters import read_choice
from distribution.api.returnbody import FILE, GuardedEvidenceParser, read_ask, read_files
from distribution.models import BuyerScope, ReturnRequest, ReturnState
from distribution.returns.policy import find_policy
from distribution.returns.queries import find_return, list_returns
from distribution.returns.refusals import ReturnNotFound, ReturnRefused
from distribution.returns.request import add_evidence, request_return, withdraw_return
from routing.api.errors import ApiError, FieldsInvalid
from routing.api.guard import GuardedJSONParser, require_body
from routing.api.headers import read_request_of
from routing.api.keyview import not_found
from routing.api.receive import answer_idempotently
from routing.intake.idempotency import Answer


class ReturnView(BuyerView):
    http_method_names = ["get", "head", "post"]


class ReturnPolicyView(ReturnView):
    scopes = {"get": BuyerScope.RETURNS_READ}

    @documents.GET_POLICY
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the signature is DRF's
        buyer = self.buyer
        return Response(answers.describe_policy(find_policy(buyer), buyer=buyer, at=datetime.now(UTC)))


class AssignmentReturnsView(ReturnView):
    parser_classes = [GuardedJSONParser, GuardedEvidenceParser]
    scopes = {"post": BuyerScope.RETURNS_WRITE}

    @documents.POST_RETURN
    def post(self, request: Request, public_id: UUID) -> Response:
        require_body(request)
        route = f"buyer/assignments/{public_id}/returns"
        idempotent = read_request_of(self.buyer, request=request, route=route)
        answer = answer_idempotently(idempotent, partial(self._ask, request, public_id))
        headers = {"Location": reverse("buyer-return", args=[answer.body["id"]])}
        replayed = {"Idempotency-Replayed": "true"} if answer.is_replayed else {}
        return Response(answer.body, status=answer.status_code, headers={**headers, **replayed})

    def _ask(self, request: Request, public_id: UUID) -> Answer:
        ask, at = read_ask(request), datetime.now(UTC)
        made = _refuse_by_name(
            partial(request_return, public_id, ask, buyer=self.buyer, actor=self.actor, at=at)
        )
        return Answer(201, _show(made, view=self))


class ReturnsView(ReturnView):
    scopes = {"get": BuyerScope.RETURNS_READ}
    query_parameters = {"get": (*PAGED, "state")}

    @documents.LIST_RETURNS
    def get(self, request: Request) -> Response:
        paging = self.read_paging("returns")
        found = list_returns(
            self.buyer,
            limit=paging.most_read,
            before=paging.before,
            state=read_choice(request, "state", ReturnState.values),
        )
        return Response(paging.describe(found, answers.describe_return))


class OneReturnView(ReturnView):
    scopes = {"get": BuyerScope.RETURNS_READ}

    @documents.GET_RETURN
    def get(self, request: Request, public_id: UUID) -> Response:  # noqa: ARG002 - the signature is DRF's
        found = find_return(public_id, buyer=self.buyer)
        if found is None:
            raise not_found()
        return Response(answers.describe_return(found))


class WithdrawView(ReturnView):
    scopes = {"post": BuyerScope.RETURNS_WRITE}

    @documents.WITHDRAW
    def post(self, request: Request, public_id: UUID) -> Response:  # noqa: ARG002 - a body is not read
        at = datetime.now(UTC)
        ended = _refuse_by_name(
            partial(withdraw_return, public_id, buyer=self.buyer, actor=self.actor, at=at)
        )
        return Response(_show(ended, view=self))


class EvidenceView(ReturnView):
    parser_classes = [GuardedEvidenceParser]
    scopes = {"post": BuyerScope.RETURNS_WRITE}

    @documents.POST_EVIDENCE
    def post(self, request: Request, public_id: UUID) -> Response:
        """Needs no Idempotency-Key: the same file is stored once."""
        require_body(request)
        if find_return(public_id, buyer=self.buyer) is None:
            raise not_found()
        file = _read_one(request)
        changed = _refuse_by_name(partial(add_evidence, public_id, file, buyer=self.buyer, actor=self.actor))
        return Response(_show(changed, view=self), status=201)


def _read_one(request: Request) -> Any:
    if set(request.data) - {FILE}:
        name = next(name for name in request.data if name != FILE)
        raise FieldsInvalid(
            {name[:64]: [{"code": "unknown_field", "message": f"is not a known field: send {FILE}"}]}
        )
    problems: dict[str, list[dict[str, str]]] = {}
    files = read_files(request, problems)
    if problems:
        raise FieldsInvalid(problems)
    if len(files) != 1:
        raise FieldsInvalid(
            {FILE: [{"code": "required", "message": "must be one file: send one in each request"}]}
        )
    return files[0]


def _refuse_by_name(work: Callable[[], ReturnRequest]) -> ReturnRequest:
    """A refusal of a field is 400 and names it. One of the lead's or the request's state is 409."""
    try:
        return work()
    except ReturnNotFound:
        raise not_found() from None
    except ReturnRefused as refusal:
        _raise(refusal)


def _raise(refusal: ReturnRefused) -> NoReturn:
    if refusal.field:
        raise FieldsInvalid({refusal.field: [{"code": refusal.code, "message": refusal.message}]}) from None
    raise ApiError(refusal.message, status_code=409, code=refusal.code) from None


def _show(request: ReturnRequest, *, view: ReturnView) -> dict[str, Any]:
    found = find_return(request.public_id, buyer=view.buyer)
    assert found is not None  # noqa: S101 - it was just stored
    return answers.describe_return(found)
