"""The trace of a lead: the explanation of `manage.py explain`, as JSON."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from distribution.api import documents
from distribution.api.parameters import find_buyer, read_public_id
from distribution.explain.lead import explain
from distribution.explain.types import to_json
from routing.api.authentication import get_source
from routing.api.keyview import not_found
from routing.api.leads import SourceView
from routing.api.parameters import read_latest
from routing.models import Lead, SourceScope


class TraceView(SourceView):
    """Shows the sender's own leads with the buyers of its workspace. The key needs a scope that an operator grants.

    A lead that rules routed to another workspace is not found, because its buyers belong to that workspace.
    """

    scopes = {"get": SourceScope.TRACE}
    query_parameters = {"get": ("buyer", "latest")}

    @documents.GET_TRACE
    def get(self, request: Request, public_id: UUID) -> Response:
        source = get_source(request)
        asked, latest = read_public_id(request, "buyer", what="a buyer"), read_latest(request)
        leads = Lead.objects.select_related("workspace", "source")
        lead = leads.filter(
            public_id=public_id, source_id=source.pk, workspace_id=source.workspace_id
        ).first()
        if lead is None:
            raise not_found()
        buyer = None if asked is None else find_buyer(asked, workspace_id=source.workspace_id)
        return Response(to_json(explain(lead, buyer=buyer, latest=latest, is_for_source=True)))
