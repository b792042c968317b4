"""The provider's webhooks: verified, stored once, and applied in the same transaction. Any order is harmless."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import stripe
from django.db import connection, transaction

from distribution import metrics
from distribution.models import PENDING, CardPayment, PaymentState
from distribution.payments.disputes import apply_dispute, is_readable
from distribution.payments.failed_refunds import ENDED_BADLY, note_failed
from distribution.payments.intents import (
    Charged,
    Dispute,
    Intent,
    RefundSaid,
    parse_uuid,
    read_charge,
    read_dispute,
    read_intent,
    read_text,
)
from distribution.payments.locks import lock_payment
from distribution.payments.refunds import apply_refunded
from distribution.payments.settle import settle

logger = logging.getLogger(__name__)

TOLERANCE: Final = timedelta(minutes=5)

STORE: Final = """
INSERT INTO distribution_providerevent (event_id, kind, object_id, result) VALUES (%s, %s, %s, '')
ON CONFLICT (event_id) DO NOTHING
"""
NOTE_RESULT: Final = "UPDATE distribution_providerevent SET result = %s WHERE event_id = %s"

APPLIED: Final = "applied"
REPEATED: Final = "repeated"
IGNORED: Final = "ignored"
UNKNOWN: Final = "unknown_payment"
WAITING: Final = "waits_for_payment"
# A person must look: another amount or currency than that of the payment.
DIFFERS: Final = "amount_differs"


class BadSignature(Exception):
    """The request does not come from the provider, or was sent too long ago."""


class BadEvent(Exception):
    """Signed, but not an event."""


def receive(raw: bytes, *, signature: str, secrets: Sequence[str], at: datetime) -> str:
    """Returns what became of the event. Raises BadSignature, BadEvent."""
    _verify(raw, signature=signature, secrets=secrets, at=at)
    event = _read(raw)
    kind, event_id, facts = event["type"], event["id"], event["data"]["object"]
    said = _read_facts(kind, facts)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(STORE, [event_id, kind[:100], _name(facts)])
            is_new = cursor.rowcount == 1
        result = _apply(kind, said, at=at) if is_new else REPEATED
        if is_new:
            with connection.cursor() as cursor:
                cursor.execute(NOTE_RESULT, [result, event_id])
    metrics.PAYMENT_WEBHOOKS.labels(kind=GROUPS.get(kind, "other"), result=result).inc()
    return result


def _verify(raw: bytes, *, signature: str, secrets: Sequence[str], at: datetime) -> None:
    """The library refuses old messages; one from the future is refused here. The body is compared byte by byte."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadSignature from error
    for secret in secrets:
        try:
            stripe.WebhookSignature.verify_header(text, signature, secret)
        except stripe.SignatureVerificationError:
            continue
        return _check_time(signature, at=at)
    raise BadSignature


def _check_time(signature: str, *, at: datetime) -> None:
    stamps = [part[2:] for part in signature.split(",") if part.startswith("t=")]
    if abs(int(stamps[0]) - at.timestamp()) > TOLERANCE.total_seconds():
        raise BadSignature


def _read(raw: bytes) -> Mapping[str, Any]:
    try:
        event = json.loads(raw)
        read_text(event["id"])
        read_text(event["type"])
        is_event = event["object"] == "event" and isinstance(event["data"]["object"], dict)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadEvent from error
    if not is_event:
        raise BadEvent
    return {**event, "id": event["id"][:255]}


def _name(facts: Mapping[str, Any]) -> str:
    """The object's id, for a person who looks an event up. An event of no interest may have any."""
    try:
        return read_text(facts.get("id"))
    except ValueError:
        return ""


def _read_facts(kind: str, facts: Mapping[str, Any]) -> Any:
    """None: it is of no interest. Raises BadEvent, before anything is stored."""
    reader = READERS.get(GROUPS.get(kind, ""))
    try:
        return None if reader is None else reader(facts)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadEvent from error


def _apply(kind: str, said: Any, *, at: datetime) -> str:
    return IGNORED if said is None else APPLIERS[GROUPS[kind]](said, at)


def _apply_intent(intent: Intent, at: datetime) -> str:
    payment_id = find_payment(intent)
    if payment_id is None:
        return UNKNOWN
    before = CardPayment.objects.values_list("state", flat=True).get(pk=payment_id)
    state = settle(payment_id, intent, at=at)
    if intent.is_paid:
        return APPLIED if state in (PaymentState.SUCCEEDED, PaymentState.SURPLUS) else DIFFERS
    return APPLIED if before in PENDING else IGNORED


def _apply_charge(charged: Charged, at: datetime) -> str:
    payment_id = find_payment(charged.intent)
    if payment_id is None:
        return UNKNOWN
    apply_charge(payment_id, charged, at=at)
    return APPLIED


def apply_charge(payment_id: int, charged: Charged, *, at: datetime) -> None:
    """The success first: this may be the first that is heard of it. A charge that failed decides nothing."""
    with transaction.atomic():
        if charged.intent.is_paid:
            settle(payment_id, charged.intent, at=at)
        # A surplus is a payment of its own.
        payment_id = (
            CardPayment.objects.filter(provider_id=charged.intent.provider_id)
            .values_list("pk", flat=True)
            .first()
            or payment_id
        )
        payment = lock_payment(payment_id)
        if payment.provider_id == charged.intent.provider_id:
            apply_refunded(payment, refunded_cents=charged.refunded_cents)


def _apply_refund(said: RefundSaid, at: datetime) -> str:
    """Only a failure: the charge's own message has the total of those that did not fail."""
    if said.status not in ENDED_BADLY or not said.intent_id:
        return IGNORED
    payment_id = CardPayment.objects.filter(provider_id=said.intent_id).values_list("pk", flat=True).first()
    if payment_id is None:
        return UNKNOWN
    note_failed(lock_payment(payment_id), at=at)
    return APPLIED


def _apply_dispute(dispute: Dispute, at: datetime) -> str:
    if not is_readable(dispute):
        logger.error("payments.amount_differs", extra={"payment": dispute.provider_id})
        return DIFFERS
    return APPLIED if apply_dispute(dispute, at=at) else WAITING


def find_payment(intent: Intent) -> int | None:
    """By the intent, or by our id in its metadata. A payment of another system of the same account is unknown."""
    payments = CardPayment.objects.values_list("pk", flat=True)
    found = payments.filter(provider_id=intent.provider_id).first()
    if found is None and (public_id := parse_uuid(intent.payment_id)) is not None:
        found = payments.filter(public_id=public_id).first()
    return found


_INTENT_KINDS: Final = tuple(
    f"payment_intent.{what}"
    for what in ("succeeded", "payment_failed", "processing", "requires_action", "canceled")
)
_CHARGE_KINDS: Final = ("charge.succeeded", "charge.refunded", "charge.updated")
_REFUND_KINDS: Final = ("refund.failed", "refund.updated", "charge.refund.updated")
_DISPUTE_KINDS: Final = tuple(
    f"charge.dispute.{what}"
    for what in ("created", "updated", "closed", "funds_withdrawn", "funds_reinstated")
)
GROUPS: Final[Mapping[str, str]] = {
    **dict.fromkeys(_INTENT_KINDS, "payment"),
    **dict.fromkeys(_CHARGE_KINDS, "charge"),
    **dict.fromkeys(_REFUND_KINDS, "refund"),
    **dict.fromkeys(_DISPUTE_KINDS, "dispute"),
}
# By group: how a message is read, and applied.
READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Any]]] = {
    "payment": read_intent,
    "charge": read_charge,
    "refund": RefundSaid.of,
    "dispute": read_dispute,
}
APPLIERS: Final[Mapping[str, Callable[[Any, datetime], str]]] = {
    "payment": _apply_intent,
    "charge": _apply_charge,
    "refund": _apply_refund,
    "dispute": _apply_dispute,
}
