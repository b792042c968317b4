"""The verification of a lead and its calls, for the source that sent it. No phone number, no channel, no operator."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from distribution.api.calldocuments import GET_CALLS
from distribution.explain.types import TracedCall, TracedVerification
from distribution.explain.verification import read_verifications
from routing.api.answers import write_time
from routing.api.authentication import get_source
from routing.api.keyview import not_found
from routing.api.leads import SourceView
from routing.models import Lead, SourceScope


class CallsView(SourceView):
    """A lead that rules routed to another workspace has no calls here: they are that workspace's business."""

    scopes = {"get": SourceScope.LEADS_READ}

    @GET_CALLS
    def get(self, request: Request, public_id: UUID) -> Response:
        source = get_source(request)
        lead = Lead.objects.filter(public_id=public_id, source_id=source.pk).first()
        if lead is None:
            raise not_found()
        is_here = lead.workspace_id == lead.source_workspace_id
        verifications = read_verifications(lead, is_for_source=True) if is_here else ()
        return Response(describe_calls(lead, verifications))


def describe_calls(lead: Lead, verifications: tuple[TracedVerification, ...]) -> dict[str, Any]:
    """`verification`: the latest one."""
    return {
        "id": str(lead.public_id),
        "status": lead.status,
        "verified_at": write_time(lead.verified_at),
        "verification": _describe(verifications[-1]) if verifications else None,
        "calls": [_describe_call(call) for each in verifications for call in each.calls],
    }


def _describe(verification: TracedVerification) -> dict[str, Any]:
    return {
        "state": verification.state,
        "reason": verification.reason or None,
        "sentence": verification.reason_sentence or verification.state_sentence,
        "opened_at": write_time(verification.opened_at),
        "due_at": write_time(verification.due_at),
        "ended_at": write_time(verification.ended_at),
        "next_step": verification.next_step,
        "passes": list(verification.passes),
    }


def _describe_call(call: TracedCall) -> dict[str, Any]:
    return {
        "number": call.number,
        "state": call.state,
        "outcome": call.outcome or None,
        "sentence": call.sentence,
        "placed_at": write_time(call.placed_at),
        "ringing_at": write_time(call.ringing_at),
        "answered_at": write_time(call.answered_at),
        "ended_at": write_time(call.ended_at),
        "duration_seconds": call.duration_seconds,
    }
