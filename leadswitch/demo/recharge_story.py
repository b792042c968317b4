"""What happened to the wallet that fills itself, line by line, as the product recorded it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from distribution.models import (
    Buyer,
    CardPayment,
    LedgerEntry,
    PauseReason,
    PaymentState,
    ProviderEvent,
    Recharge,
)
from tracing.wording import money

Line = tuple[datetime, str]
KINDS: Final = {"topup": "top-up", "charge": "a lead is sold"}


def tell(buyer: Buyer) -> str:
    """Oldest first."""
    recharge = Recharge.objects.get(wallet__buyer=buyer)
    lines = [*_tell_entries(buyer), *_tell_payments(buyer), *_tell_pause(recharge)]
    lines.sort(key=lambda line: line[0])  # of one moment: as they are here
    head = (
        f"{buyer.name} recharges {money(recharge.amount_cents)} by card when less than"
        f" {money(recharge.threshold_cents)} is left."
    )
    return "\n".join([head, *(f"  {at:%H:%M:%S.%f}"[:-3] + f"  {text}" for at, text in lines)])


def _tell_entries(buyer: Buyer) -> Iterator[Line]:
    for entry in LedgerEntry.objects.filter(wallet__buyer=buyer).order_by("pk"):
        what = KINDS.get(entry.kind, entry.kind)
        yield (
            entry.created_at,
            f"{what}: {money(entry.amount_cents)}, the balance is {money(entry.balance_after_cents)}",
        )


def _tell_payments(buyer: Buyer) -> Iterator[Line]:
    for payment in CardPayment.objects.filter(wallet__buyer=buyer).select_related("card").order_by("pk"):
        paid = f"{money(payment.amount_cents)} from the {payment.card.brand} ending in {payment.card.last4}"
        yield payment.created_at, f"automatic recharge: {paid} is asked for"
        for event in ProviderEvent.objects.filter(object_id=payment.provider_id or ""):
            yield event.received_at, f"the provider's webhook: {event.kind} ({event.result})"
        if payment.ended_at is not None and payment.state == PaymentState.FAILED:
            yield payment.ended_at, f"the payment failed: {payment.failure_code}"


def _tell_pause(recharge: Recharge) -> Iterator[Line]:
    if recharge.paused_at is not None:
        reason = PauseReason(recharge.pause_reason).label
        yield recharge.paused_at, f"automatic recharge is paused: {reason}"
