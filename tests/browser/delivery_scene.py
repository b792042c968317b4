"""Deliveries of a day to three endpoints of an agency: one works, one fails, and one left leads without an answer."""

import json
from datetime import datetime, timedelta

from django.utils import timezone

from distribution.models import Buyer, Delivery, DeliveryTry, Endpoint
from routing.models import Lead
from tests.support.factories import DeliveryFactory, EndpointFactory

HEAD = "POST /leads HTTP/1.1\nHost: crm.example.com\nContent-Type: application/json\nAuthorization: ***"
BODY = json.dumps(
    {"first_name": "Ada", "zip": "30312", "vertical": "roofing", "phone": "+14045550123"}, indent=2
)
ANSWERS = {
    "accepted": (200, '{"status": "accepted", "id": "48151623"}'),
    "rejected": (422, '{"status": "rejected", "reason": "duplicate phone number"}'),
    "unknown": (503, "<html><title>503 Service Temporarily Unavailable</title></html>"),
    "not_sent": (None, ""),
}
# What the tries of the working endpoint become, in turn.
TURNS = ("accepted", "accepted", "rejected", "accepted", "accepted", "unknown", "accepted")
WAITING = 3


def send_deliveries(buyer: Buyer, lead: Lead, *, hours: int = 24) -> list[Endpoint]:
    """Commits everything. The newest delivery of `lead` was tried three times."""
    now = timezone.now()
    working = EndpointFactory.create(buyer=buyer, name="CRM", last_success_at=now)
    failing = EndpointFactory.create(
        buyer=buyer, name="Regional office of the Southeast", failing_since=now - timedelta(hours=3)
    )
    silent = EndpointFactory.create(buyer=buyer, name="Call center")
    for number in range(3 * hours):
        at = now - timedelta(minutes=20 * number + 1)
        _end(_deliver(working, lead, at=at), TURNS[number % len(TURNS)], at=at, ms=80 + 37 * (number % 11))
        if number % 4 == 0:
            _end(_deliver(failing, lead, at=at), "not_sent", at=at, ms=5_000)
    for number in range(WAITING):
        _leave_unknown(_deliver(silent, lead, at=now - timedelta(minutes=40 * (number + 1))))
    return [working, failing, silent]


def _deliver(endpoint: Endpoint, lead: Lead, *, at: datetime) -> Delivery:
    row: Delivery = DeliveryFactory.create(endpoint=endpoint, lead=lead, next_try_at=at)
    Delivery.objects.filter(pk=row.pk).update(created_at=at)
    return row


def _end(row: Delivery, outcome: str, *, at: datetime, ms: int) -> None:
    _try(row, 1, outcome, at=at, ms=ms)
    state = outcome if outcome in ("accepted", "rejected") else "rejected"
    reason = {"rejected": "duplicate phone number", "not_sent": "unreachable"}.get(outcome, "")
    ended = {"state": state, "ended_at": at, "next_try_at": None, "tries": 1, "first_try_at": at}
    Delivery.objects.filter(pk=row.pk).update(**ended, end_reason=reason)


def _leave_unknown(row: Delivery) -> None:
    first = timezone.now() - timedelta(minutes=30)
    for number in range(3):
        _try(row, number + 1, "unknown", at=first + timedelta(minutes=5 * number), ms=15_000)
    Delivery.objects.filter(pk=row.pk).update(state="unknown", next_try_at=None, tries=3, first_try_at=first)


def _try(row: Delivery, number: int, outcome: str, *, at: datetime, ms: int) -> None:
    status, answer = ANSWERS[outcome]
    DeliveryTry.objects.create(
        delivery=row,
        number=number,
        started_at=at,
        finished_at=at + timedelta(milliseconds=ms),
        outcome=outcome,
        status_code=status,
        duration_ms=ms,
        request_head=HEAD,
        request_body=BODY,
        answer_head=f"HTTP/1.1 {status}" if status else "",
        answer_body=answer,
        error="" if status else "connect_timeout",
    )
