"""Compares payments with the provider's lists, and applies what no webhook brought. Requests run outside transactions.

Read again are all intents, refunds and disputes since the mark, less the time in which one may still change.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from distribution.models import CardDispute, CardPayment, PaymentMark, PaymentState
from distribution.payments.disputes import apply_dispute, is_readable
from distribution.payments.failed_refunds import ENDED_BADLY, check_refunds
from distribution.payments.intents import Intent, read_dispute, read_intent
from distribution.payments.provider import count_refunded, list_created
from distribution.payments.settle import settle
from distribution.payments.webhook import find_payment

MARK: Final = "provider"
# An intent may be paid later than it was made: the cardholder has a day to confirm, and webhooks come for three.
READ_AGAIN: Final = timedelta(days=4)
# A bank may send a refund back a month later.
REFUNDS_READ_AGAIN: Final = timedelta(days=35)
FIRST_LOOK: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Difference:
    """`name`: what it is about. `is_healed`: it was applied, and nothing is left to do."""

    name: str
    is_healed: bool


def find_since(*, at: datetime) -> datetime:
    mark = PaymentMark.objects.filter(name=MARK).first()
    return at - FIRST_LOOK if mark is None else mark.read_until - READ_AGAIN


def set_mark(at: datetime) -> None:
    PaymentMark.objects.update_or_create(name=MARK, defaults={"read_until": at})


def compare(*, since: datetime, at: datetime, fix: bool) -> Iterator[Difference | None]:
    """One value for each row that was compared: None if it is right. Raises AnswerUnknown, RequestRefused."""
    listed = [read_intent(raw) for raw in list_created("payment_intents", since=since)]
    for intent in listed:
        yield _compare_intent(intent, at=at, fix=fix)
    yield from _find_unlisted({intent.provider_id for intent in listed}, since=since)
    for intent_id, listed_cents in sorted(_sum_refunds(since=since, at=at).items()):
        yield _compare_refunds(intent_id, listed_cents=listed_cents, fix=fix)
    for raw in list_created("disputes", since=since):
        yield _compare_dispute(raw, at=at, fix=fix)


def _sum_refunds(*, since: datetime, at: datetime) -> dict[str, int]:
    """Cents of the refunds that have not failed, by payment intent."""
    cents: dict[str, int] = {}
    for raw in list_created("refunds", since=min(since, at - REFUNDS_READ_AGAIN)):
        is_failed = raw["status"] in ENDED_BADLY
        name = str(raw["payment_intent"])
        cents[name] = cents.get(name, 0) + (0 if is_failed else int(raw["amount"]))
    return cents


def _compare_intent(intent: Intent, *, at: datetime, fix: bool) -> Difference | None:
    """Payments of other systems of the same account do not name one of ours."""
    payment_id = find_payment(intent)
    if payment_id is None:
        is_ours = bool(intent.payment_id) and intent.is_paid
        return Difference(f"unknown payment {intent.provider_id}", is_healed=False) if is_ours else None
    if not intent.is_paid or _is_settled(intent):
        return None
    if fix:
        settle(payment_id, intent, at=at)
    return Difference(f"card payment {payment_id}", is_healed=fix and _is_settled(intent))


def _is_settled(intent: Intent) -> bool:
    """It is credited, or known as a surplus."""
    paid = (PaymentState.SUCCEEDED, PaymentState.SURPLUS)
    return CardPayment.objects.filter(
        provider_id=intent.provider_id, state__in=paid, amount_cents=intent.amount_cents
    ).exists()


def _find_unlisted(listed: set[str], *, since: datetime) -> Iterator[Difference]:
    """Credited, but the provider does not list it: a person must look."""
    credited = CardPayment.objects.filter(state=PaymentState.SUCCEEDED, created_at__gte=since)
    for payment in credited.exclude(provider_id__in=listed).order_by("pk"):
        yield Difference(f"card payment {payment.pk}", is_healed=False)


def _compare_refunds(intent_id: str, *, listed_cents: int, fix: bool) -> Difference | None:
    """Asks for all refunds of the payment only if those of the list are not what was taken: a request for each."""
    payment = CardPayment.objects.filter(provider_id=intent_id).first()
    if payment is None or payment.refunded_cents == listed_cents:
        return None
    total_cents = count_refunded(intent_id)
    if total_cents == payment.refunded_cents:
        return None
    if fix:
        check_refunds(payment.pk)
    payment.refresh_from_db(fields=["refunded_cents"])
    return Difference(f"card payment {payment.pk}", is_healed=payment.refunded_cents == total_cents)


def _compare_dispute(raw: Mapping[str, Any], *, at: datetime, fix: bool) -> Difference | None:
    dispute = read_dispute(raw)
    if dispute is None or not CardPayment.objects.filter(provider_id=dispute.intent_id).exists():
        return None
    if not is_readable(dispute):
        return Difference(f"card dispute {dispute.provider_id}", is_healed=False)
    before = _read_dispute_state(dispute.provider_id)
    with transaction.atomic():
        apply_dispute(dispute, at=at)
        is_new = _read_dispute_state(dispute.provider_id) != before
        if not fix:
            transaction.set_rollback(True)
    return Difference(f"card dispute {dispute.provider_id}", is_healed=fix) if is_new else None


def _read_dispute_state(provider_id: str) -> tuple[object, ...] | None:
    states = CardDispute.objects.filter(provider_id=provider_id)
    return states.values_list("status", "taken_at", "given_back_at").first()
