"""Reads payments and cards for pages and the API."""

from uuid import UUID

from distribution.models import Buyer, Card, CardPayment, PaymentOrigin, PaymentState


def find_current_card(buyer: Buyer) -> Card | None:
    return Card.objects.filter(buyer=buyer, removed_at__isnull=True).first()


def list_payments(buyer: Buyer, *, limit: int, before: int | None) -> list[CardPayment]:
    """Newest first. A surplus is the provider's mistake and gave no credits."""
    payments = CardPayment.objects.filter(wallet__buyer=buyer).exclude(origin=PaymentOrigin.SURPLUS)
    if before is not None:
        payments = payments.filter(pk__lt=before)
    return list(payments.order_by("-pk")[:limit])


def find_payment_to_confirm(buyer: Buyer) -> CardPayment | None:
    """The payment that waits until the buyer confirms it at its bank."""
    payments = CardPayment.objects.filter(wallet__buyer=buyer, state=PaymentState.NEEDS_ACTION)
    return payments.order_by("-pk").first()


def find_payment_of(buyer: Buyer, *, public_id: UUID) -> CardPayment | None:
    """Another buyer's payment is not found."""
    payments = CardPayment.objects.filter(wallet__buyer=buyer).exclude(origin=PaymentOrigin.SURPLUS)
    return payments.filter(public_id=public_id).first()
