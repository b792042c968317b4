"""A source asks what it would be paid for a lead, before it sends it."""

import time
from datetime import UTC, datetime
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from distribution.api import pingdocuments as documents
from distribution.offers.pings import PingAnswer, answer_ping
from routing.api.answers import describe_corrections, write_time
from routing.api.authentication import get_source_key
from routing.api.errors import ApiError, FieldsInvalid, describe_fields
from routing.api.forms import GuardedFormParser, GuardedMultipartParser
from routing.api.guard import GuardedLeadJSONParser, require_body
from routing.api.leads import SourceView
from routing.intake.parse import LeadInvalid
from routing.intake.pings import HasContactData
from routing.metrics.intake import PING_SECONDS, PINGS
from routing.models import SourceScope

CONTACT_DATA = "contact_data"


class PingsView(SourceView):
    parser_classes = [GuardedLeadJSONParser, GuardedFormParser, GuardedMultipartParser]
    scopes = {"post": SourceScope.LEADS_WRITE}
    rate_kind = "ping"

    @documents.POST_PING
    def post(self, request: Request) -> Response:
        require_body(request)
        started = time.perf_counter()
        try:
            answer = answer_ping(request.data, key=get_source_key(request), at=datetime.now(UTC))
        except LeadInvalid as invalid:
            PINGS.labels(outcome="refused").inc()
            raise FieldsInvalid(describe_fields(invalid.errors)) from None
        except HasContactData as found:
            PINGS.labels(outcome="refused").inc()
            raise _refuse_contact(found) from None
        if not answer.lead.is_test:
            PINGS.labels(outcome="no_price" if answer.price_cents is None else "price").inc()
        PING_SECONDS.observe(time.perf_counter() - started)
        return Response(_describe(answer), status=201)


def _refuse_contact(found: HasContactData) -> ApiError:
    names = ", ".join(found.errors)
    message = f"A ping has no contact data. Leave out {names}, and send it with the lead. Nothing was stored."
    return ApiError(
        message, status_code=422, code=CONTACT_DATA, extra={"fields": describe_fields(found.errors)}
    )


def _describe(answer: PingAnswer) -> dict[str, Any]:
    why = answer.no_price
    return {
        "outcome": "price" if why is None else "no_price",
        "price_cents": answer.price_cents,
        "ping_id": answer.ping_id,
        "expires_at": write_time(answer.expires_at),
        "is_test": answer.lead.is_test,
        "reason": why.reason if why else None,
        "message": why.sentence if why else None,
        "change": why.change if why else None,
        "fixer": why.fixer if why else None,
        "missing_fields": list(why.missing_fields) if why else [],
        "warnings": describe_corrections(answer.lead.corrections),
    }
