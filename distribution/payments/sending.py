"""Brings a pending payment further: asks the provider to charge the card, or what became of it.

1. The row was committed before the first request, and each request is noted before it is sent.
2. After a request whose answer is unknown, the provider's list is asked before anything is sent again.
3. Every request has the payment's id as its idempotency key. The provider forgets a key after a day, so nothing is
   sent later than that.
4. `next_try_at` is the lease: two payers never work on one payment, and a killed one is replaced when it ends.
"""

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.utils import timezone

from distribution import metrics
from distribution.models import CardPayment, PauseReason, PaymentOrigin, PaymentState
from distribution.payments.intents import Intent
from distribution.payments.provider import (
    AnswerUnknown,
    PaymentOrder,
    RequestRefused,
    cancel_intent,
    create_intent,
    find_intents,
    retrieve_intent,
)
from distribution.payments.settle import end_refused, settle

logger = logging.getLogger(__name__)

# Longer than all requests of one step, each with its timeout.
LEASE_SECONDS: Final = 120
# A request that was cut off may still arrive: its payment is looked for until then before another is sent.
SETTLING: Final = timedelta(seconds=90)
LAST_SEND_AFTER: Final = timedelta(hours=20)
MAX_SENDS: Final = 6
FIRST_WAIT: Final = timedelta(seconds=15)
LONGEST_WAIT: Final = timedelta(minutes=30)

CLAIM: Final = f"""
UPDATE distribution_cardpayment SET next_try_at = clock_timestamp() + interval '{LEASE_SECONDS} seconds'
WHERE id = (
    SELECT id FROM distribution_cardpayment
    WHERE state IN ('open', 'processing', 'needs_action') AND next_try_at <= clock_timestamp()
    ORDER BY next_try_at LIMIT 1
    FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING id
"""  # noqa: S608 - only a constant is put in


def advance_next() -> bool:
    """Work on the payment that is due for the longest time. Returns False if none is due."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM)
        row = cursor.fetchone()
    if row is None:
        return False
    advance(CardPayment.objects.select_related("card__customer").get(pk=row[0]))
    return True


def advance(payment: CardPayment) -> None:
    """Needs the lease. No transaction may be open: requests are sent. A request without an answer is tried later."""
    try:
        if payment.state == PaymentState.NEEDS_ACTION:
            _give_up_confirming(payment)
        elif payment.provider_id is not None:
            _settle(payment, retrieve_intent(payment.provider_id))
        elif payment.tries == 0:
            _send(payment)
        else:
            _look_up(payment)
    except AnswerUnknown as unknown:
        metrics.PAYMENT_REQUESTS_UNKNOWN.inc()
        logger.warning(
            "payments.answer_unknown", extra={"payment": str(payment.public_id), "cause": unknown.cause}
        )
        _wait(payment)
    except RequestRefused as refusal:
        _settle_refusal(payment, refusal)


def _send(payment: CardPayment) -> None:
    if not _note_request(payment):
        return
    _settle(payment, create_intent(make_order(payment)))


def _note_request(payment: CardPayment) -> bool:
    """Commit that a request goes out. Returns False if another payer did so: its lease ended while it worked."""
    noted = CardPayment.objects.filter(
        pk=payment.pk, state=PaymentState.OPEN, tries=payment.tries, provider_id=None
    ).update(tries=payment.tries + 1, sent_at=timezone.now())
    return bool(noted)


def make_order(payment: CardPayment) -> PaymentOrder:
    return PaymentOrder(
        public_id=payment.public_id,
        amount_cents=payment.amount_cents,
        customer_id=payment.card.customer.provider_id,
        card_id=payment.card.provider_id,
        is_off_session=payment.origin == PaymentOrigin.RECHARGE,
        created_at=payment.created_at,
    )


def _look_up(payment: CardPayment) -> None:
    found = find_intents(make_order(payment))
    if found:
        for intent in sorted(found, key=lambda each: not each.is_paid):
            _settle(payment, intent)
        return
    at = timezone.now()
    if payment.sent_at is not None and at - payment.sent_at < SETTLING:
        _wait(payment)
    elif payment.tries >= MAX_SENDS or at - payment.created_at > LAST_SEND_AFTER:
        end_refused(payment.pk, code="no_answer", reason=PauseReason.NO_ANSWER, at=at)
    else:
        _send(payment)


def _give_up_confirming(payment: CardPayment) -> None:
    """The cardholder did not confirm in time, or did so while no webhook came."""
    assert payment.provider_id is not None  # noqa: S101 - the provider asked for it
    try:
        intent = cancel_intent(payment.provider_id)
    except RequestRefused:
        intent = retrieve_intent(payment.provider_id)
    _settle(payment, intent)


def _settle_refusal(payment: CardPayment, refusal: RequestRefused) -> None:
    """A decline has its payment at the provider, which says whether the cardholder can still confirm it."""
    at = timezone.now()
    if refusal.intent is not None:
        settle(payment.pk, refusal.intent, at=at)
        return
    if refusal.is_decline:
        CardPayment.objects.filter(pk=payment.pk).update(next_try_at=at)  # it is in the provider's list
        return
    end_refused(payment.pk, code=refusal.code, reason=PauseReason.REFUSED, at=at)


def _settle(payment: CardPayment, intent: Intent) -> None:
    settle(payment.pk, intent, at=timezone.now())


def _wait(payment: CardPayment) -> None:
    wait = min(FIRST_WAIT * 2 ** min(payment.tries, 10), LONGEST_WAIT)
    _move_due(payment, timezone.now() + wait)


def _move_due(payment: CardPayment, due_at: datetime) -> None:
    """Not if a webhook ended it in the meantime."""
    CardPayment.objects.filter(pk=payment.pk, state=payment.state).update(next_try_at=due_at)
