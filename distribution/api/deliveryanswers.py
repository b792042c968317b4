"""The response bodies about deliveries, for an agency's own programs. Secrets were hidden before they were stored."""

from typing import Any

from distribution.api.workspaceanswers import describe_buyer
from distribution.models import Delivery, DeliveryTry, Endpoint
from routing.api.answers import write_time


def describe_delivery(delivery: Delivery) -> dict[str, Any]:
    """Without its requests, whose bodies are personal data."""
    lead, assignment, event = delivery.lead, delivery.assignment, delivery.event
    return {
        "id": str(delivery.message_id),
        "state": delivery.state,
        "endpoint": _describe_endpoint(delivery.endpoint),
        "event": event.kind if event else None,
        "lead_id": str(lead.public_id) if lead else None,
        "assignment_id": str(assignment.public_id) if assignment else None,
        "is_direct_post": delivery.is_direct_post,
        "is_test": delivery.is_test,
        "tries": delivery.tries,
        "created_at": write_time(delivery.created_at),
        "first_try_at": write_time(delivery.first_try_at),
        "next_try_at": write_time(delivery.next_try_at),
        "ended_at": write_time(delivery.ended_at),
        "end_reason": delivery.end_reason,
        "ended_by": delivery.ended_by,
        "price_cents": delivery.price_cents,
    }


def describe_with_requests(delivery: Delivery) -> dict[str, Any]:
    """The newest request first."""
    return {
        **describe_delivery(delivery),
        "requests": [_describe_request(each) for each in delivery.requests.all()],
    }


def _describe_endpoint(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": str(endpoint.public_id),
        "name": endpoint.name,
        "buyer": describe_buyer(endpoint.buyer) if endpoint.buyer else None,
        "source": endpoint.source.name if endpoint.source else None,
    }


def _describe_request(row: DeliveryTry) -> dict[str, Any]:
    return {
        "number": row.number,
        "started_at": write_time(row.started_at),
        "finished_at": write_time(row.finished_at),
        "outcome": row.outcome,
        "status_code": row.status_code,
        "duration_ms": row.duration_ms,
        "error": row.error,
        "request_head": row.request_head,
        "request_body": row.request_body,
        "answer_head": row.answer_head,
        "answer_body": row.answer_body,
    }
