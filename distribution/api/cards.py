"""Buyers add a card, buy credits with it, and set their automatic recharge."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, NoReturn, TypeVar
from uuid import UUID

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from distribution.api import cardanswers as answers
from distribution.api import carddocuments as documents
from distribution.api.bodies import problem, read_body
from distribution.api.buyer import PAGED, BuyerView
from distribution.api.cardbodies import CHANGES, PURCHASE, SETUP
from distribution.api.changing import ChangingView, refusals_as_errors, with_version
from distribution.models import BuyerScope, CardPayment, Recharge
from distribution.payments.buying import PaymentRefused, start_payment
from distribution.payments.cards import begin_setup, finish_setup, remove_card
from distribution.payments.confirming import begin_confirmation
from distribution.payments.queries import find_current_card, find_payment_of, list_payments
from distribution.payments.settings import change_recharge, find_recharge, read_version
from distribution.selfservice.versions import require_version
from routing.api.errors import ApiError, FieldsInvalid
from routing.api.guard import GuardedJSONParser
from routing.api.headers import read_request_of
from routing.api.keyview import not_found
from routing.api.receive import answer_idempotently
from routing.intake.idempotency import Answer, IdempotentRequest

Result = TypeVar("Result")


class MoneyView(BuyerView):
    http_method_names = ["get", "head", "post", "patch", "delete"]


class CardView(MoneyView):
    scopes = {"get": BuyerScope.WALLET_READ, "delete": BuyerScope.MONEY_WRITE}

    @documents.GET_CARD
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the signature is DRF's
        return Response(answers.describe_card(find_current_card(self.buyer)))

    @documents.DELETE_CARD
    def delete(self, request: Request) -> Response:  # noqa: ARG002 - the signature is DRF's
        remove_card(self.buyer, actor=self.actor, at=datetime.now(UTC))
        return Response(status=204)


class CardSetupView(MoneyView):
    scopes = {"post": BuyerScope.MONEY_WRITE}

    @documents.POST_SETUP
    def post(self, request: Request) -> Response:  # noqa: ARG002 - a body is not read
        setup = _refuse_by_name(partial(begin_setup, self.buyer))
        return Response(setup, status=201)


class CardSetupFinishView(MoneyView):
    scopes = {"post": BuyerScope.MONEY_WRITE}

    @documents.POST_FINISH
    def post(self, request: Request) -> Response:
        setup_id = read_body(request, SETUP)["setup_id"]
        finish = partial(finish_setup, self.buyer, setup_id=setup_id, actor=self.actor, at=datetime.now(UTC))
        card = _refuse_by_name(finish)
        return Response(answers.describe_card(card), status=201)


class TopUpsView(MoneyView):
    scopes = {"get": BuyerScope.WALLET_READ, "post": BuyerScope.MONEY_WRITE}
    query_parameters = {"get": PAGED}

    @documents.LIST_TOPUPS
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the signature is DRF's
        paging = self.read_paging("topups")
        found = list_payments(self.buyer, limit=paging.most_read, before=paging.before)
        return Response(paging.describe(found, answers.describe_payment))

    @documents.POST_TOPUP
    def post(self, request: Request) -> Response:
        amount_cents = read_body(request, PURCHASE)["amount_cents"]
        idempotent = read_request_of(self.buyer, request=request, route="buyer/topups")
        answer = answer_idempotently(_require(idempotent), partial(self._start, amount_cents))
        headers = {"Location": reverse("buyer-topup", args=[answer.body["id"]])}
        replayed = {"Idempotency-Replayed": "true"} if answer.is_replayed else {}
        return Response(answer.body, status=answer.status_code, headers={**headers, **replayed})

    def _start(self, amount_cents: int) -> Answer:
        at = datetime.now(UTC)
        started = _refuse_by_name(
            partial(start_payment, self.buyer, amount_cents=amount_cents, actor=self.actor, at=at)
        )
        started.refresh_from_db()
        return Answer(202, answers.describe_payment(started))


class TopUpView(MoneyView):
    scopes = {"get": BuyerScope.WALLET_READ}

    @documents.GET_TOPUP
    def get(self, request: Request, public_id: UUID) -> Response:  # noqa: ARG002 - the signature is DRF's
        return Response(answers.describe_payment(_find(self, public_id)))


class TopUpConfirmView(MoneyView):
    scopes = {"post": BuyerScope.MONEY_WRITE}

    @documents.POST_CONFIRM
    def post(self, request: Request, public_id: UUID) -> Response:  # noqa: ARG002 - a body is not read
        payment = _find(self, public_id)
        return Response(_refuse_by_name(partial(begin_confirmation, payment)))


class RechargeView(ChangingView):
    http_method_names = ["get", "head", "patch"]
    parser_classes = [GuardedJSONParser]
    scopes = {"get": BuyerScope.WALLET_READ, "patch": BuyerScope.MONEY_WRITE}

    @documents.GET_RECHARGE
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the signature is DRF's
        return _show_recharge(find_recharge(self.buyer))

    @documents.PATCH_RECHARGE
    def patch(self, request: Request) -> Response:
        values = read_body(request, CHANGES)
        changes = {name: value for name, value in values.items() if value is not None}
        with refusals_as_errors():
            return _show_recharge(_refuse_by_name(partial(self._change, changes)))

    def _change(self, changes: Mapping[str, Any]) -> Recharge:
        """Raises PaymentRefused, VersionMissing, VersionStale."""
        return change_recharge(
            self.buyer,
            changes,
            actor=self.actor,
            at=datetime.now(UTC),
            is_by_buyer=True,
            check_version=lambda present: require_version(self.if_match, present=present),
        )


def _show_recharge(recharge: Recharge | None) -> Response:
    return with_version(answers.describe_recharge(recharge), read_version(recharge))


def _find(view: MoneyView, public_id: UUID) -> CardPayment:
    found = find_payment_of(view.buyer, public_id=public_id)
    if found is None:
        raise not_found()
    return found


def _require(idempotent: IdempotentRequest | None) -> IdempotentRequest:
    if idempotent is None:
        message = "Send an Idempotency-Key: with it, a repeated request buys credits once."
        raise ApiError(message, status_code=400, code="idempotency_key_required")
    return idempotent


def _refuse_by_name(work: Callable[[], Result]) -> Result:
    """A refusal of a field is 400 and names it. One of the state is 409. 503: the provider does not answer."""
    try:
        return work()
    except PaymentRefused as refusal:
        _raise(refusal)


def _raise(refusal: PaymentRefused) -> NoReturn:
    if refusal.fields:
        problems = [problem(refusal.code, refusal.message)]
        raise FieldsInvalid(dict.fromkeys(refusal.fields, problems)) from None
    status, wait = (503, refusal.wait_seconds) if refusal.wait_seconds else (409, None)
    raise ApiError(refusal.message, status_code=status, code=refusal.code, wait_seconds=wait) from None
