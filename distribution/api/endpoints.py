"""A buyer's programs add, change, test and delete the endpoints that get its leads."""

from typing import Any, Final
from uuid import UUID

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from distribution.api import endpointdocuments as documents
from distribution.api.accountanswers import describe_endpoint
from distribution.api.bodies import read_body
from distribution.api.changing import ChangingView, refusals_as_errors, require_allowance, with_version
from distribution.deliveries.tried import Tried
from distribution.models import BuyerScope, Endpoint
from distribution.selfservice.endpoints import (
    ChangedEndpoint,
    add_endpoint,
    change_endpoint,
    delete_endpoint,
    find_endpoint,
    list_endpoints,
    read_endpoint_version,
    renew_secret,
    try_endpoint,
)
from distribution.selfservice.reading import read_line
from routing.api.keyview import not_found

CONFIRMATION: Final = {"confirmed_address": read_line}
MAX_SHOWN: Final = 2_000


class _EndpointView(ChangingView):
    def find(self, public_id: UUID) -> Endpoint:
        found = find_endpoint(public_id, buyer=self.buyer)
        if found is None:
            raise not_found()
        return found


class EndpointsView(_EndpointView):
    http_method_names = ["get", "head", "post"]
    scopes = {"get": BuyerScope.ENDPOINTS_READ, "post": BuyerScope.ENDPOINTS_WRITE}

    @documents.LIST_ENDPOINTS
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the signature is DRF's
        found = list_endpoints(self.buyer).defer(None)
        return Response({"results": [describe_endpoint(each) for each in found]})

    @documents.ADD_ENDPOINT
    def post(self, request: Request) -> Response:
        body = self.read_object(request)
        with refusals_as_errors():
            made = add_endpoint(self.buyer, body=body, by=self.author)
        location = reverse("buyer-endpoint", args=[made.endpoint.public_id])
        return with_version(
            _with_secret(made, self.find(made.endpoint.public_id)),
            made.version,
            status=201,
            Location=location,
        )


class EndpointView(_EndpointView):
    http_method_names = ["get", "head", "patch", "delete"]
    scopes = {
        "get": BuyerScope.ENDPOINTS_READ,
        "patch": BuyerScope.ENDPOINTS_WRITE,
        "delete": BuyerScope.ENDPOINTS_WRITE,
    }

    @documents.GET_ENDPOINT
    def get(self, request: Request, public_id: UUID) -> Response:  # noqa: ARG002
        found = self.find(public_id)
        return with_version(describe_endpoint(found), read_endpoint_version(found))

    @documents.CHANGE_ENDPOINT
    def patch(self, request: Request, public_id: UUID) -> Response:
        found, patch = self.find(public_id), self.read_object(request)
        with refusals_as_errors():
            changed = change_endpoint(found, patch=patch, by=self.author, if_match=self.if_match)
        return with_version(_with_secret(changed, self.find(public_id)), changed.version)

    @documents.DELETE_ENDPOINT
    def delete(self, request: Request, public_id: UUID) -> Response:  # noqa: ARG002
        with refusals_as_errors():
            delete_endpoint(self.find(public_id), by=self.author, if_match=self.if_match)
        return Response(status=204)


class EndpointSecretsView(_EndpointView):
    http_method_names = ["post"]
    scopes = {"post": BuyerScope.ENDPOINTS_WRITE}

    @documents.RENEW_SECRET
    def post(self, request: Request, public_id: UUID) -> Response:  # noqa: ARG002
        with refusals_as_errors():
            renewed = renew_secret(self.find(public_id), by=self.author, if_match=self.if_match)
        return with_version({"secret": renewed.secret}, renewed.version, status=201)


class EndpointTestView(_EndpointView):
    """Waits for the answer of the buyer's system."""

    http_method_names = ["post"]
    scopes = {"post": BuyerScope.ENDPOINTS_WRITE}

    @documents.TEST_ENDPOINT
    def post(self, request: Request, public_id: UUID) -> Response:
        found = self.find(public_id)
        require_allowance("endpoint_test", buyer_id=self.buyer.pk)
        confirmed = read_body(request, CONFIRMATION, is_required=False)["confirmed_address"]
        with refusals_as_errors():
            tried = try_endpoint(found, by=self.author, confirmed_address=confirmed)
        return Response(_describe_test(tried))


def _with_secret(changed: ChangedEndpoint, found: Endpoint) -> dict[str, Any]:
    """Of a webhook that has just got its secret."""
    shown = describe_endpoint(found)
    return {**shown, "secret": changed.secret} if changed.secret else shown


def _describe_test(tried: Tried) -> dict[str, Any]:
    return {
        "outcome": tried.judgment.outcome.value,
        "reason": tried.judgment.reason or tried.judgment.error,
        "status_code": tried.status_code,
        "duration_ms": tried.duration_ms,
        "answer": tried.texts.answer_body[:MAX_SHOWN],
    }
