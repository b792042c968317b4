"""Sources send leads, read them, have them tried now, and cancel them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from routing.api import documents
from routing.api.answers import describe_incomplete, describe_lead
from routing.api.authentication import SourceKeyAuthentication, get_source, get_source_key
from routing.api.errors import ApiError, FieldsInvalid
from routing.api.forms import GuardedFormParser, GuardedMultipartParser
from routing.api.guard import GuardedBatchJSONParser, GuardedLeadJSONParser, require_body
from routing.api.headers import read_idempotent_request, read_wait
from routing.api.keyview import KeyView, not_found
from routing.api.receive import (
    answer_idempotently,
    complete_replayed,
    decide_received,
    receive_batch,
    receive_lead,
)
from routing.intake.idempotency import Answer
from routing.leads.actions import (
    MAX_REASON,
    ActionRefused,
    LeadFinished,
    LeadNotFound,
    LeadRunning,
    TriedTooOften,
    cancel_sent_lead,
    dispatch_now,
)
from routing.models import LeadStatus, SourceKey, SourceScope
from routing.queries import find_sent_lead, read_state_after_commit
from routing.values.normalize import FieldError, normalize_text
from tracing.wording import count


class SourceView(KeyView):
    """A view for sources: `request.auth` is the SourceKey, with its source and workspace."""

    authentication_classes = [SourceKeyAuthentication]
    key_model = SourceKey
    rate_kind = "source"
    http_method_names = ["get", "head", "post", "delete"]


class LeadsView(SourceView):
    parser_classes = [GuardedLeadJSONParser, GuardedFormParser, GuardedMultipartParser]
    scopes = {"post": SourceScope.LEADS_WRITE}

    @documents.POST_LEAD
    def post(self, request: Request) -> Response:
        require_body(request)
        key = get_source_key(request)
        idempotent = read_idempotent_request(request, key=key, route="leads")
        wait_seconds = read_wait(request)
        work = partial(receive_lead, request.data, key=key, is_decided_inline=bool(wait_seconds))
        answer = complete_replayed(answer_idempotently(idempotent, work), idempotent=idempotent)
        answer = decide_received(answer, idempotent=idempotent, seconds=wait_seconds or 0)
        headers = {"Location": reverse("lead", args=[answer.body["id"]])}
        if wait_seconds is not None:
            headers["Preference-Applied"] = f"wait={wait_seconds}"
        return _respond(answer, headers=headers)


class LeadBatchView(SourceView):
    parser_classes = [GuardedBatchJSONParser]
    scopes = {"post": SourceScope.LEADS_WRITE}

    @documents.POST_BATCH
    def post(self, request: Request) -> Response:
        require_body(request)
        key = get_source_key(request)
        idempotent = read_idempotent_request(request, key=key, route="leads/batch")
        answer = answer_idempotently(idempotent, partial(receive_batch, request.data, key=key))
        return _respond(answer, headers={})


class LeadView(SourceView):
    scopes = {"get": SourceScope.LEADS_READ, "delete": SourceScope.LEADS_WRITE}
    query_parameters = {"delete": ("reason",)}

    @documents.GET_LEAD
    def get(self, request: Request, public_id: UUID) -> Response:
        return _show(public_id, source_id=get_source(request).pk)

    @documents.DELETE_LEAD
    def delete(self, request: Request, public_id: UUID) -> Response:
        source_id = get_source(request).pk
        reason = _read_reason(request.query_params.get("reason"))
        try:
            cancel_sent_lead(public_id, source_id=source_id, reason=reason)
        except LeadNotFound:
            raise not_found() from None
        except LeadFinished as finished:
            message = f"Too late: the lead is already finished ({finished.status})."
            raise ApiError(message, status_code=409, extra={"status": finished.status}) from None
        except LeadRunning as running:
            raise ApiError(f"The lead cannot be canceled now: {running}.", status_code=409) from None
        return _show_changed(public_id, to=LeadStatus.CANCELLED, status=200)


class DispatchNowView(SourceView):
    scopes = {"post": SourceScope.LEADS_WRITE}

    @documents.DISPATCH_NOW
    def post(self, request: Request, public_id: UUID) -> Response:
        """A body is not read."""
        source_id = get_source(request).pk
        try:
            dispatch_now(public_id, source_id=source_id, at=datetime.now(UTC))
        except LeadNotFound:
            raise not_found() from None
        except LeadRunning as running:
            raise ApiError(f"The lead cannot be dispatched now: {running}.", status_code=409) from None
        except TriedTooOften as too_often:
            raise _tried_too_often(too_often.wait_seconds) from None
        except ActionRefused as refusal:
            raise FieldsInvalid({"status": [{"code": "not_waiting", "message": str(refusal)}]}) from None
        return _show_changed(public_id, to=LeadStatus.PENDING, status=202)


def _tried_too_often(wait_seconds: int) -> ApiError:
    allowed = settings.LEADSWITCH_LEAD_TRIES_PER_HOUR["sender"]
    message = (
        f"A lead can be tried on request {count(allowed, 'time')} per hour."
        f" Try again in {count(wait_seconds, 'second')}."
    )
    return ApiError(message, status_code=429, wait_seconds=wait_seconds)


def _show(public_id: UUID, *, source_id: int) -> Response:
    state = find_sent_lead(public_id, source_id=source_id)
    if state is None:
        raise not_found()
    return Response(describe_lead(state))


def _show_changed(public_id: UUID, *, to: LeadStatus, status: int) -> Response:
    """The lead after a committed change. Reports the change even if the lead cannot be read."""
    state = read_state_after_commit("change", public_id)
    if state is None:
        incomplete = describe_incomplete(str(public_id))
        return Response({"id": str(public_id), "status": to.value, "incomplete": incomplete}, status=status)
    return Response(describe_lead(state), status=status)


def _read_reason(text: str | None) -> str:
    try:
        return normalize_text(text, max_length=MAX_REASON) or ""
    except FieldError as error:
        raise FieldsInvalid({"reason": [{"code": error.code, "message": error.message}]}) from None


def _respond(answer: Answer, *, headers: Mapping[str, str]) -> Response:
    replayed = {"Idempotency-Replayed": "true"} if answer.is_replayed else {}
    return Response(answer.body, status=answer.status_code, headers={**headers, **replayed})
