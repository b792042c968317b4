"""Buyers and sources subscribe to events. Data of another owner is not found."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from distribution.api import subscriptiondocuments as documents
from distribution.api.authentication import get_buyer_key
from distribution.api.buyer import BuyerView
from distribution.deliveries.ended_subscriptions import turn_off
from distribution.deliveries.subscribing import (
    KNOWN,
    Owner,
    SubscriptionRefused,
    find_subscription,
    list_subscriptions,
    subscribe,
)
from distribution.models import BuyerScope, Subscription
from routing.api.authentication import get_source_key
from routing.api.errors import ApiError, FieldsInvalid, Malformed
from routing.api.guard import require_body
from routing.api.keyview import KeyView, not_found
from routing.api.leads import SourceView
from routing.models import SourceScope


class _Owned(KeyView):
    """`owner`: the buyer or source of the key. `one`: the name of the URL of one subscription."""

    one: str

    @property
    def owner(self) -> Owner:
        raise NotImplementedError

    def list(self) -> Response:
        return Response({"results": [describe_subscription(each) for each in list_subscriptions(self.owner)]})

    def create(self, request: Request) -> Response:
        require_body(request)
        made, secret = _subscribe(request.data, owner=self.owner, actor=self.actor)
        body = {**describe_subscription(made), "secret": secret}
        return Response(body, status=201, headers={"Location": reverse(self.one, args=[made.public_id])})

    def find(self, public_id: UUID) -> Subscription:
        found = find_subscription(public_id, owner=self.owner)
        if found is None:
            raise not_found()
        return found

    def end(self, public_id: UUID) -> Response:
        found = self.find(public_id)
        turn_off(found, actor=self.actor, action="ended", reason="API", at=datetime.now(UTC))
        return Response(status=204)


class _OfBuyer(_Owned, BuyerView):
    one = "buyer-subscription"

    @property
    def owner(self) -> Owner:
        return get_buyer_key(self.request).buyer


class _OfSource(_Owned, SourceView):
    one = "subscription"

    @property
    def owner(self) -> Owner:
        return get_source_key(self.request).source


class BuyerSubscriptionsView(_OfBuyer):
    http_method_names = ["get", "head", "post"]
    scopes = {"get": BuyerScope.SUBSCRIPTIONS_READ, "post": BuyerScope.SUBSCRIPTIONS_WRITE}

    @documents.LIST_OF_BUYER
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the signature is DRF's
        return self.list()

    @documents.ADD_OF_BUYER
    def post(self, request: Request) -> Response:
        return self.create(request)


class OneBuyerSubscriptionView(_OfBuyer):
    http_method_names = ["get", "head", "delete"]
    scopes = {"get": BuyerScope.SUBSCRIPTIONS_READ, "delete": BuyerScope.SUBSCRIPTIONS_WRITE}

    @documents.GET_OF_BUYER
    def get(self, request: Request, public_id: UUID) -> Response:  # noqa: ARG002
        return Response(describe_subscription(self.find(public_id)))

    @documents.END_OF_BUYER
    def delete(self, request: Request, public_id: UUID) -> Response:  # noqa: ARG002
        return self.end(public_id)


class SourceSubscriptionsView(_OfSource):
    http_method_names = ["get", "head", "post"]
    scopes = {"get": SourceScope.SUBSCRIPTIONS_READ, "post": SourceScope.SUBSCRIPTIONS_WRITE}

    @documents.LIST_OF_SOURCE
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the signature is DRF's
        return self.list()

    @documents.ADD_OF_SOURCE
    def post(self, request: Request) -> Response:
        return self.create(request)


class OneSourceSubscriptionView(_OfSource):
    http_method_names = ["get", "head", "delete"]
    scopes = {"get": SourceScope.SUBSCRIPTIONS_READ, "delete": SourceScope.SUBSCRIPTIONS_WRITE}

    @documents.GET_OF_SOURCE
    def get(self, request: Request, public_id: UUID) -> Response:  # noqa: ARG002
        return Response(describe_subscription(self.find(public_id)))

    @documents.END_OF_SOURCE
    def delete(self, request: Request, public_id: UUID) -> Response:  # noqa: ARG002
        return self.end(public_id)


def describe_subscription(row: Subscription) -> dict[str, Any]:
    return {
        "id": str(row.public_id),
        "name": row.name,
        "url": row.url,
        "events": row.events,
        "is_enabled": row.disabled_at is None,
        "disabled_reason": row.disabled_reason,
    }


def _subscribe(body: Any, *, owner: Owner, actor: str) -> tuple[Subscription, str]:
    """A refusal of a field is 400 and names it."""
    if not isinstance(body, dict):
        raise Malformed("The body must be a JSON object.")
    unknown = sorted(set(body) - set(KNOWN))
    if unknown:
        problem = {"code": "unknown_field", "message": f"is not a known field: send {', '.join(KNOWN)}"}
        raise FieldsInvalid({unknown[0][:64]: [problem]})
    try:
        return subscribe(body, owner=owner, actor=actor, at=datetime.now(UTC))
    except SubscriptionRefused as refusal:
        if refusal.field:
            problem = {"code": refusal.code, "message": refusal.message}
            raise FieldsInvalid({refusal.field: [problem]}) from None
        raise ApiError(refusal.message, status_code=409, code=refusal.code) from None
