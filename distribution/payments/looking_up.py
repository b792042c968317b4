"""Asks the provider at once what became of a payment, for an operator. It charges and refunds nothing."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from distribution.models import CardPayment, PaymentState
from distribution.payments.buying import require_cards
from distribution.payments.failed_refunds import check_refunds
from distribution.payments.intents import Intent
from distribution.payments.provider import AnswerUnknown, RequestRefused, find_intents, retrieve_intent
from distribution.payments.sending import make_order
from distribution.payments.settle import settle
from distribution.payments.waiting import UNREACHABLE, person_waits
from tracing import audit
from tracing.wording import money

NOT_THERE = "The provider has no payment for it."
REFUNDS_UNREAD = "Its refunds were not read: the provider does not answer. Look it up again in a minute."


def look_up(payment: CardPayment, *, actor: str, reason: str) -> str:
    """Returns what was found, as a sentence. No transaction may be open. Raises PaymentRefused."""
    require_cards()
    before = payment.state
    try:
        with person_waits():
            found = _find(payment)
            are_refunds_read = _apply(payment, found)
    except RequestRefused as error:
        raise UNREACHABLE from error
    payment.refresh_from_db()
    _audit(payment, before=before, actor=actor, reason=reason)
    said = _describe(payment) if found else NOT_THERE
    return said if are_refunds_read else f"{said} {REFUNDS_UNREAD}"


def _apply(payment: CardPayment, found: Sequence[Intent]) -> bool:
    """Returns False if refunds were not read: the caller must still say what was applied before."""
    for intent in sorted(found, key=lambda each: not each.is_paid):
        settle(payment.pk, intent, at=timezone.now())
    payment.refresh_from_db()
    if payment.state not in (PaymentState.SUCCEEDED, PaymentState.SURPLUS):
        return True
    try:
        check_refunds(payment.pk)
    except (AnswerUnknown, RequestRefused):
        return False
    return True


def _find(payment: CardPayment) -> list[Intent]:
    if payment.provider_id is not None:
        return [retrieve_intent(payment.provider_id)]
    return find_intents(make_order(payment))


def _describe(payment: CardPayment) -> str:
    state = PaymentState(payment.state).label
    code = f" ({payment.failure_code})" if payment.failure_code else ""
    refunded = f" {money(payment.refunded_cents)} of it was paid back." if payment.refunded_cents else ""
    return f"The provider was asked. The payment: {state}{code}.{refunded}"


def _audit(payment: CardPayment, *, before: str, actor: str, reason: str) -> None:
    with transaction.atomic():
        audit.record(
            actor=actor,
            action="card_lookup",
            target=payment,
            workspace_id=payment.workspace_id,
            reason=reason,
            before={"state": before},
            after={"state": payment.state},
        )
