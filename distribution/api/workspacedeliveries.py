"""An agency's programs read deliveries, decide those that wait for it, and send them again."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from distribution.api import deliverydocuments as documents
from distribution.api.bodies import read_body, read_reason
from distribution.api.deliveryanswers import describe_delivery, describe_with_requests
from distribution.api.parameters import read_choice, read_public_id
from distribution.api.workspace import PAGED, WorkspaceView
from distribution.deliveries.by_hand import DECISIONS, ResolutionRefused, resend, resolve
from distribution.deliveries.queries import STATES, find_delivery, list_deliveries
from distribution.models import Delivery, DeliveryState, Endpoint, WorkspaceScope
from routing.api.errors import ApiError
from routing.api.guard import require_body
from routing.api.keyview import not_found
from routing.api.receive import answer_idempotently
from routing.intake.idempotency import Answer
from routing.models import Lead
from routing.values.normalize import FieldError

CODES: Final = [state.value for state in DECISIONS]


def _read_state(value: object) -> DeliveryState:
    if value not in CODES:
        raise FieldError("invalid", f"must be one of {', '.join(CODES)}")
    return DeliveryState(str(value))


RESOLUTION: Final = {"state": _read_state, "reason": read_reason}
RESENDING: Final = {"reason": read_reason}


class WorkspaceDeliveriesView(WorkspaceView):
    scopes = {"get": WorkspaceScope.DELIVERIES_READ}
    query_parameters = {"get": (*PAGED, "state", "lead", "endpoint")}

    @documents.LIST_DELIVERIES
    def get(self, request: Request) -> Response:
        paging = self.read_paging("deliveries")
        found = list_deliveries(
            self.workspace.pk,
            limit=paging.most_read,
            before=paging.before,
            state=read_choice(request, "state", [state.value for state in STATES]),
            lead_id=self._read_lead(request),
            endpoint_id=self._read_endpoint(request),
        )
        return Response(paging.describe(found, describe_delivery))

    def _read_lead(self, request: Request) -> int | None:
        """A lead that rules sent on is found where it was received as well: its source may subscribe to events."""
        public_id, here = read_public_id(request, "lead", what="a lead"), self.workspace.pk
        leads = Lead.objects.filter(Q(workspace_id=here) | Q(source_workspace_id=here))
        return None if public_id is None else _find(leads, public_id)

    def _read_endpoint(self, request: Request) -> int | None:
        public_id = read_public_id(request, "endpoint", what="an endpoint or subscription")
        endpoints = Endpoint.objects.filter(workspace_id=self.workspace.pk)
        return None if public_id is None else _find(endpoints, public_id)


class WorkspaceDeliveryView(WorkspaceView):
    scopes = {"get": WorkspaceScope.DELIVERIES_READ}

    @documents.GET_DELIVERY
    def get(self, request: Request, public_id: UUID) -> Response:  # noqa: ARG002 - the signature is DRF's
        return Response(describe_with_requests(_find_delivery(public_id, view=self)))


class ResolveView(WorkspaceView):
    scopes = {"post": WorkspaceScope.DELIVERIES_DECIDE}

    @documents.RESOLVE
    def post(self, request: Request, public_id: UUID) -> Response:
        found, body = _find_delivery(public_id, view=self), read_body(request, RESOLUTION)
        _refuse_with_state(
            partial(resolve, found.pk, at=datetime.now(UTC), actor=self.actor, **body), delivery=found
        )
        return Response(describe_delivery(_find_delivery(public_id, view=self)))


class ResendView(WorkspaceView):
    scopes = {"post": WorkspaceScope.DELIVERIES_DECIDE}

    @documents.RESEND
    def post(self, request: Request, public_id: UUID) -> Response:
        require_body(request)
        idempotent = self.read_idempotent(request, route=f"deliveries/{public_id}/resend")
        answer = answer_idempotently(idempotent, partial(self._resend, request, public_id))
        headers = {"Idempotency-Replayed": "true"} if answer.is_replayed else {}
        return Response(answer.body, status=answer.status_code, headers=headers)

    def _resend(self, request: Request, public_id: UUID) -> Answer:
        found, body = _find_delivery(public_id, view=self), read_body(request, RESENDING)
        again = partial(resend, found.pk, at=datetime.now(UTC), actor=self.actor, **body)
        sent: Delivery = _refuse_with_state(again, delivery=found)
        sent.refresh_from_db(fields=["message_id"])  # the database made that of a new one
        return Answer(202, describe_delivery(_find_delivery(sent.message_id, view=self)))


def _find(rows: QuerySet[Any], public_id: UUID) -> int:
    """Return the id that lists are filtered by."""
    found: int | None = rows.filter(public_id=public_id).values_list("pk", flat=True).first()
    if found is None:
        raise not_found()
    return found


def _find_delivery(message_id: UUID, *, view: WorkspaceView) -> Delivery:
    found = find_delivery(message_id, workspace_id=view.workspace.pk)
    if found is None:
        raise not_found()
    return found


def _refuse_with_state(work: Callable[[], Any], *, delivery: Delivery) -> Any:
    """A refusal is 409, with the state that the delivery has now."""
    try:
        return work()
    except ResolutionRefused as refusal:
        delivery.refresh_from_db(fields=["state"])
        now = {"state": delivery.state}
        raise ApiError(f"Nothing was changed: {refusal}.", status_code=409, extra=now) from None
