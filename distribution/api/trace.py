"""The trace of a lead: the story that `manage.py explain` tells, as JSON."""

from typing import Final
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from distribution.api import documents
from distribution.explain import explain
from distribution.models import Buyer
from distribution.story import to_json
from routing.api.authentication import get_source
from routing.api.keyview import not_found, wrong_parameter
from routing.api.leads import SourceView
from routing.models import Lead
from tracing.parsing import parse_id, parse_uuid

LATEST: Final = 20
MOST: Final = 100


class TraceView(SourceView):
    """For the keys of the workspace that the lead is in: whoever sent it on does not see another's buyers."""

    @documents.GET_TRACE
    def get(self, request: Request, public_id: UUID) -> Response:
        workspace_id = get_source(request).workspace_id
        asked, latest = _read_buyer_id(request), _read_latest(request)
        leads = Lead.objects.select_related("workspace", "source")
        lead = leads.filter(public_id=public_id, workspace_id=workspace_id).first()
        if lead is None:
            raise not_found()
        buyer = None if asked is None else _find_buyer(asked, workspace_id=workspace_id)
        return Response(to_json(explain(lead, buyer=buyer, latest=latest)))


def _read_buyer_id(request: Request) -> UUID | None:
    text = request.query_params.get("buyer")
    if text is None:
        return None
    public_id = parse_uuid(text)
    if public_id is None:
        raise wrong_parameter("buyer", "must be the public id of a buyer, a UUID")
    return public_id


def _read_latest(request: Request) -> int:
    text = request.query_params.get("latest")
    if text is None:
        return LATEST
    latest = parse_id(text)
    if latest is None or not 1 <= latest <= MOST:
        raise wrong_parameter("latest", f"must be a whole number from 1 to {MOST}")
    return latest


def _find_buyer(public_id: UUID, *, workspace_id: int) -> Buyer:
    """A buyer of another workspace does not exist for the caller."""
    buyer = Buyer.objects.filter(public_id=public_id, workspace_id=workspace_id).first()
    if buyer is None:
        raise not_found()
    return buyer
