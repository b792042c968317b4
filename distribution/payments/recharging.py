"""Automatic recharge: finds wallets below their threshold and starts a payment for each, within its limits.

What is due is derived from the wallets. A trigger only wakes the payer, so a lost message delays nothing for long.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models import Sum

from distribution.models import (
    PENDING,
    CardPayment,
    PauseReason,
    PaymentOrigin,
    PaymentState,
    Recharge,
    Wallet,
)
from distribution.payments.buying import start_payment
from distribution.payments.locks import read_recharge, wait_for_wallet_row
from distribution.payments.pausing import find_card, pause
from routing.calendar.zones import load_zone

ACTOR: Final = "automatic recharge"
COUNTED: Final = (*PENDING, PaymentState.SUCCEEDED)

FIND: Final = """
SELECT w.id FROM distribution_wallet w
JOIN distribution_recharge r ON r.wallet_id = w.id
WHERE w.recharge_below_cents IS NOT NULL AND w.balance_cents - w.held_cents < w.recharge_below_cents
    AND (r.not_before IS NULL OR r.not_before <= %s)
    AND NOT EXISTS (
        SELECT FROM distribution_cardpayment p
        WHERE p.wallet_id = w.id AND p.state IN ('open', 'processing', 'needs_action')
    )
ORDER BY w.id
LIMIT %s
"""


def find_due(*, at: datetime, limit: int) -> list[int]:
    """Wallets that need a recharge."""
    with connection.cursor() as cursor:
        cursor.execute(FIND, [at, limit])
        return [wallet_id for (wallet_id,) in cursor.fetchall()]


def recharge_due(*, at: datetime, limit: int) -> int:
    """Start the payments that are due. Returns how many."""
    return sum(recharge(wallet_id, at=at) for wallet_id in find_due(at=at, limit=limit))


def recharge(wallet_id: int, *, at: datetime) -> bool:
    """Start one payment if it is still due: everything is read again under the wallet's lock."""
    with transaction.atomic():
        wait_for_wallet_row(wallet_id)
        wallet = Wallet.objects.select_related("buyer").get(pk=wallet_id)
        settings = read_recharge(wallet_id)
        if settings is None or not is_due(wallet, settings, at=at):
            return False
        if find_card(wallet) is None:
            pause(wallet_id, reason=PauseReason.NO_CARD, at=at)
            return False
        opens_at = find_opening(settings, wallet=wallet, at=at)
        if opens_at is not None:
            Recharge.objects.filter(pk=settings.pk).update(not_before=opens_at)
            return False
        start_payment(
            wallet.buyer,
            amount_cents=settings.amount_cents,
            actor=ACTOR,
            at=at,
            origin=PaymentOrigin.RECHARGE,
        )
        return True


def is_due(wallet: Wallet, settings: Recharge, *, at: datetime) -> bool:
    below = wallet.recharge_below_cents
    return (
        below is not None
        and wallet.balance_cents - wallet.held_cents < below
        and (settings.not_before is None or settings.not_before <= at)
        and not CardPayment.objects.filter(wallet=wallet, state__in=PENDING).exists()
    )


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar period of the buyer."""

    name: str
    starts_at: datetime
    ends_at: datetime


def list_periods(at: datetime, *, zone_name: str) -> tuple[Period, ...]:
    """The day, the week from Monday and the month that `at` is in."""
    zone = load_zone(zone_name)
    day = at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    monday = day - timedelta(days=day.weekday())
    first = day.replace(day=1)
    return (
        Period("day", day, day + timedelta(days=1)),
        Period("week", monday, monday + timedelta(days=7)),
        Period("month", first, (first + timedelta(days=32)).replace(day=1)),
    )


def find_opening(settings: Recharge, *, wallet: Wallet, at: datetime) -> datetime | None:
    """When the limits allow another payment. None: now."""
    opening = [
        period.ends_at
        for period in list_periods(at, zone_name=wallet.buyer.timezone)
        if count_recharged(wallet, since=period.starts_at) + settings.amount_cents
        > getattr(settings, f"{period.name}_limit_cents")
    ]
    return max(opening, default=None)


def count_recharged(wallet: Wallet, *, since: datetime) -> int:
    """What automatic payments took since then, with those that have not ended."""
    payments = CardPayment.objects.filter(
        wallet=wallet, origin=PaymentOrigin.RECHARGE, state__in=COUNTED, created_at__gte=since
    )
    return int(payments.aggregate(cents=Sum("amount_cents"))["cents"] or 0)
