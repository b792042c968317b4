"""Movements of a buyer's credits: top-ups, adjustments, refunds of charges, the credit limit.

Charges are in distribution.attempts.sell, what comes back from cards in card_movements.
"""

from collections.abc import Sequence
from typing import Final, Literal

from django.db import connection, transaction
from django.db.models import Sum

from distribution.locks import wait_for_wallet
from distribution.models import Account, LedgerEntry, LedgerKind
from distribution.money.movement import (
    InsufficientCredits,
    MoneyKeyReused,
    MoneyRefused,
    Movement,
    check_cents,
    describe_reused,
    move,
)
from tracing.wording import money

SET_LIMIT: Final = """
UPDATE distribution_wallet
SET credit_limit_cents = %(limit)s, version = version + 1
WHERE buyer_id = %(buyer)s AND balance_cents - held_cents >= -%(limit)s
"""

CHARGE_LEFT: Final = """
SELECT COALESCE(SUM(-amount_cents), 0)
FROM distribution_ledgerentry
WHERE assignment_id = %s AND kind IN ('charge', 'capture', 'refund')
"""


# Where a top-up came from: the card provider, or a payment that a person booked.
Clearing = Literal["card", "manual"]
CLEARING_ACCOUNTS: Final = {"card": Account.CARD_CLEARING, "manual": Account.MANUAL_CLEARING}

OF_CHARGES: Final = (LedgerKind.CHARGE, LedgerKind.CAPTURE, LedgerKind.REFUND)


class RefundExceedsCharge(MoneyRefused):
    """More than what is left of the charge."""


def top_up(
    buyer_id: int,
    *,
    amount_cents: int,
    key: str,
    actor: str,
    reason: str = "",
    buyer_note: str = "",
    clearing: Clearing = "manual",
) -> LedgerEntry:
    """Add credits, once for each `key` (the payment's own id). A repeat returns the first entry.

    Raises MoneyRefused for an amount that is not positive or above MAX_CENTS, MoneyKeyReused, TypeError.
    """
    check_cents(amount_cents)
    if amount_cents <= 0:
        message = f"a top-up adds credits: {money(amount_cents)} is not above $0.00"
        raise MoneyRefused(message)
    account = CLEARING_ACCOUNTS[clearing]
    movement = Movement(LedgerKind.TOPUP, amount_cents, account, key, actor, reason, buyer_note=buyer_note)
    return move(buyer_id, movement)


def adjust(
    buyer_id: int, *, amount_cents: int, key: str, actor: str, reason: str, buyer_note: str = ""
) -> LedgerEntry:
    """Correct a balance by a signed amount. A reason is required.

    Raises MoneyRefused for an amount of 0, one beyond MAX_CENTS or a missing reason, InsufficientCredits,
    MoneyKeyReused, TypeError.
    """
    check_cents(amount_cents)
    if amount_cents == 0 or not reason.strip():
        message = "an adjustment needs an amount other than 0 and a reason"
        raise MoneyRefused(message)
    account = Account.MANUAL_CLEARING
    movement = Movement(
        LedgerKind.ADJUSTMENT, amount_cents, account, key, actor, reason, buyer_note=buyer_note
    )
    return move(buyer_id, movement)


@transaction.atomic
def refund(
    *, assignment_id: int, buyer_id: int, key: str, actor: str, reason: str, amount_cents: int | None = None
) -> LedgerEntry | None:
    """Pay back a charge in full or in part, never more in total than was charged. A repeat returns the first entry.

    Locks the buyer's wallet, so that two refunds cannot both see the full charge. `amount_cents` None: all that
    is left; returns None if nothing is left. Raises RefundExceedsCharge, MoneyKeyReused, TypeError.
    """
    if amount_cents is not None:
        check_cents(amount_cents)
    wait_for_wallet(buyer_id)
    earlier = LedgerEntry.objects.filter(idempotency_key=f"refund:{key}").first()
    if earlier is not None:
        if earlier.assignment_id != assignment_id or amount_cents not in (None, earlier.amount_cents):
            raise MoneyKeyReused(describe_reused(earlier))
        return earlier
    left_cents = charge_left(assignment_id)
    amount = left_cents if amount_cents is None else amount_cents
    if amount_cents is None and left_cents == 0:
        return None
    if not 0 < amount <= left_cents:
        message = f"{money(amount)} cannot be refunded: {money(left_cents)} of the charge is left"
        raise RefundExceedsCharge(message)
    movement = Movement(LedgerKind.REFUND, amount, Account.REVENUE, key, actor, reason, assignment_id)
    return move(buyer_id, movement)


def set_credit_limit(buyer_id: int, *, limit_cents: int) -> None:
    """Set how far below zero a balance may go. Raises InsufficientCredits if it is already lower.

    Raises MoneyRefused for a limit below 0 or above MAX_CENTS, TypeError.
    """
    check_cents(limit_cents)
    if limit_cents < 0:
        message = f"a credit limit is how far below zero the balance may go: {money(limit_cents)} is not $0.00 or more"
        raise MoneyRefused(message)
    with connection.cursor() as cursor:
        cursor.execute(SET_LIMIT, {"limit": limit_cents, "buyer": buyer_id})
        if cursor.rowcount != 1:
            message = f"the balance is already further below zero than {money(limit_cents)}; top up first"
            raise InsufficientCredits(message)


def charge_left(assignment_id: int) -> int:
    """Return what was charged for an assignment less what was paid back, in cents."""
    with connection.cursor() as cursor:
        cursor.execute(CHARGE_LEFT, [assignment_id])
        return int(cursor.fetchone()[0])


def charges_left(assignment_ids: Sequence[int]) -> dict[int, int]:
    """As charge_left, for several assignments in one statement. One that was not charged is left out."""
    moved = LedgerEntry.objects.filter(assignment_id__in=assignment_ids, kind__in=OF_CHARGES)
    return {
        assignment_id: -cents
        for assignment_id, cents in moved.order_by()
        .values_list("assignment_id")
        .annotate(Sum("amount_cents"))
        if assignment_id is not None
    }
