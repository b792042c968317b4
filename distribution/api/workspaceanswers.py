"""The response bodies for an agency's own programs. Unlike those for buyers, they name buyers and who decided."""

from collections.abc import Mapping
from typing import Any

from distribution.api.returnanswers import describe_return
from distribution.models import Buyer, ReturnRequest
from routing.api.answers import write_time


def describe_decided_return(request: ReturnRequest, *, left_cents: Mapping[int, int]) -> dict[str, Any]:
    """`left_cents`: what is left of the charge, by assignment."""
    return {
        **describe_return(request),
        "buyer": describe_buyer(request.buyer),
        "lead_id": str(request.lead.public_id),
        "is_test": request.assignment.is_test,
        "sold_at": write_time(request.assignment.sold_at),
        "price_cents": request.assignment.price_cents,
        "left_cents": left_cents.get(request.assignment_id, 0),
        "requested_by": request.requested_by,
        "decided_by": request.decided_by,
        "is_resold": request.is_resold,
    }


def describe_buyer(buyer: Buyer) -> dict[str, Any]:
    return {"id": str(buyer.public_id), "name": buyer.name}
