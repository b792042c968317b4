"""Why a lead was or was not sold, for the source that sent it. The full trace needs a separate scope."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from routing.api.answers import write_time
from routing.api.authentication import get_source
from routing.api.explanationdocuments import GET_EXPLANATION
from routing.api.keyview import not_found
from routing.api.leads import SourceView
from routing.api.parameters import read_latest
from routing.intake.markers import show_external_id
from routing.leads.explanation import SenderExplanation, SentAttempt, explain_to_sender
from routing.models import Lead, SourceScope
from routing.queries import LeadState, find_sent_lead
from tracing.queries import read_attempts


class ExplanationView(SourceView):
    scopes = {"get": SourceScope.LEADS_READ}
    query_parameters = {"get": ("latest",)}

    @GET_EXPLANATION
    def get(self, request: Request, public_id: UUID) -> Response:
        source_id, latest = get_source(request).pk, read_latest(request)
        state = find_sent_lead(public_id, source_id=source_id)
        if state is None:
            raise not_found()
        lead = Lead.objects.select_related("workspace").get(pk=state.id)
        attempts = read_attempts(lead.pk, latest=latest, in_full=lead.attempts)
        return Response(describe_explanation(explain_to_sender(lead, state, attempts), state=state))


def describe_explanation(explanation: SenderExplanation, *, state: LeadState) -> dict[str, Any]:
    return {
        "id": str(state.public_id),
        "external_id": show_external_id(state.external_id, is_test=state.is_test),
        "is_test": state.is_test,
        "status": state.status,
        "summary": explanation.summary,
        "change": explanation.change,
        "fixer": explanation.fixer,
        "missing_fields": list(explanation.missing_fields),
        "duplicate_of": str(state.duplicate_of) if state.duplicate_of else None,
        "next_attempt_at": write_time(state.next_attempt_at),
        "attempts": [_describe_attempt(each) for each in explanation.attempts],
    }


def _describe_attempt(attempt: SentAttempt) -> dict[str, Any]:
    times = {
        "started_at": write_time(attempt.started_at),
        "next_attempt_at": write_time(attempt.next_attempt_at),
    }
    return {**asdict(attempt), **times}
