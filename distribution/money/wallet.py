"""Movements of a buyer's credits, except charges (see distribution.attempts.sell).

Each movement is one conditional UPDATE of the balance and one ledger row, in one transaction, once for each idempotency
key.
"""

from collections.abc import Sequence
from typing import Final

from django.db import IntegrityError, connection, transaction
from django.db.models import Sum

from distribution.locks import wait_for_wallet
from distribution.models import LedgerEntry, LedgerKind
from tracing.wording import money

# Stale reads do no harm: the update checks the condition on the locked row.
MOVE_BALANCE: Final = """
UPDATE distribution_wallet
SET balance_cents = balance_cents + %(amount)s, version = version + 1
WHERE buyer_id = %(buyer)s AND balance_cents + %(amount)s - held_cents >= -credit_limit_cents
RETURNING id, balance_cents
"""

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


OF_CHARGES: Final = (LedgerKind.CHARGE, LedgerKind.CAPTURE, LedgerKind.REFUND)

# The maximum of one movement and of a credit limit: ten million dollars. A larger sum is an error.
MAX_CENTS: Final = 1_000_000_000


class MoneyRefused(ValueError):
    """The movement is not allowed. The message says why and what would be accepted."""


class InsufficientCredits(MoneyRefused):
    """The balance would go below its limit."""


class MoneyKeyReused(MoneyRefused):
    """The idempotency key belongs to another movement."""


class RefundExceedsCharge(MoneyRefused):
    """More than what is left of the charge."""


def top_up(buyer_id: int, *, amount_cents: int, key: str, actor: str, reason: str = "") -> LedgerEntry:
    """Add credits, once for each `key` (the payment's own id). A repeat returns the first entry.

    Raises MoneyRefused for an amount that is not positive or above MAX_CENTS, MoneyKeyReused, TypeError.
    """
    _check_cents(amount_cents)
    if amount_cents <= 0:
        message = f"a top-up adds credits: {money(amount_cents)} is not above $0.00"
        raise MoneyRefused(message)
    return _move(
        buyer_id,
        kind=LedgerKind.TOPUP,
        amount_cents=amount_cents,
        key=f"topup:{key}",
        actor=actor,
        reason=reason,
    )


def adjust(buyer_id: int, *, amount_cents: int, key: str, actor: str, reason: str) -> LedgerEntry:
    """Correct a balance by a signed amount. A reason is required.

    Raises MoneyRefused for an amount of 0, one beyond MAX_CENTS or a missing reason, InsufficientCredits,
    MoneyKeyReused, TypeError.
    """
    _check_cents(amount_cents)
    if amount_cents == 0 or not reason.strip():
        message = "an adjustment needs an amount other than 0 and a reason"
        raise MoneyRefused(message)
    return _move(
        buyer_id,
        kind=LedgerKind.ADJUSTMENT,
        amount_cents=amount_cents,
        key=f"adjustment:{key}",
        actor=actor,
        reason=reason,
    )


@transaction.atomic
def refund(
    *, assignment_id: int, buyer_id: int, key: str, actor: str, reason: str, amount_cents: int | None = None
) -> LedgerEntry | None:
    """Pay back a charge in full or in part, never more in total than was charged. A repeat returns the first entry.

    Locks the buyer's wallet, so that two refunds cannot both see the full charge. `amount_cents` None: all that
    is left; returns None if nothing is left. Raises RefundExceedsCharge, MoneyKeyReused, TypeError.
    """
    if amount_cents is not None:
        _check_cents(amount_cents)
    wait_for_wallet(buyer_id)
    earlier = LedgerEntry.objects.filter(idempotency_key=f"refund:{key}").first()
    if earlier is not None:
        if earlier.assignment_id != assignment_id or amount_cents not in (None, earlier.amount_cents):
            raise MoneyKeyReused(_reused(earlier))
        return earlier
    left_cents = charge_left(assignment_id)
    amount = left_cents if amount_cents is None else amount_cents
    if amount_cents is None and left_cents == 0:
        return None
    if not 0 < amount <= left_cents:
        message = f"{money(amount)} cannot be refunded: {money(left_cents)} of the charge is left"
        raise RefundExceedsCharge(message)
    return _move(
        buyer_id,
        kind=LedgerKind.REFUND,
        amount_cents=amount,
        key=f"refund:{key}",
        actor=actor,
        reason=reason,
        assignment_id=assignment_id,
    )


def set_credit_limit(buyer_id: int, *, limit_cents: int) -> None:
    """Set how far below zero a balance may go. Raises InsufficientCredits if it is already lower.

    Raises MoneyRefused for a limit below 0 or above MAX_CENTS, TypeError.
    """
    _check_cents(limit_cents)
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


def _check_cents(cents: object) -> None:
    """Cents must be an int: the database would silently round a float or a Decimal. A bool is refused too."""
    if type(cents) is not int:
        message = f"cents are an int, not {type(cents).__name__}"
        raise TypeError(message)
    if abs(cents) > MAX_CENTS:
        message = f"{money(cents)} is more than {money(MAX_CENTS)}, the most in one movement"
        raise MoneyRefused(message)


def _move(
    buyer_id: int,
    *,
    kind: LedgerKind,
    amount_cents: int,
    key: str,
    actor: str,
    reason: str,
    assignment_id: int | None = None,
) -> LedgerEntry:
    try:
        with transaction.atomic():
            earlier = _earlier(key, buyer_id=buyer_id, amount_cents=amount_cents)
            if earlier is not None:
                return earlier
            wallet_id, balance_after_cents = _move_balance(buyer_id, amount_cents=amount_cents)
            return LedgerEntry.objects.create(
                wallet_id=wallet_id,
                kind=kind,
                amount_cents=amount_cents,
                balance_after_cents=balance_after_cents,
                idempotency_key=key,
                assignment_id=assignment_id,
                actor=actor,
                reason=reason,
            )
    except IntegrityError:
        # Another transaction wrote this key between our read and our insert. Ours was rolled back with its balance.
        earlier = _earlier(key, buyer_id=buyer_id, amount_cents=amount_cents)
        if earlier is None:
            raise
        return earlier


def _earlier(key: str, *, buyer_id: int, amount_cents: int) -> LedgerEntry | None:
    entry = LedgerEntry.objects.select_related("wallet").filter(idempotency_key=key).first()
    if entry is not None and (entry.wallet.buyer_id != buyer_id or entry.amount_cents != amount_cents):
        raise MoneyKeyReused(_reused(entry))
    return entry


def _reused(entry: LedgerEntry) -> str:
    amount = money(entry.amount_cents)
    return f"the key {entry.idempotency_key!r} was used for another movement of {amount}; use a new key"


def _move_balance(buyer_id: int, *, amount_cents: int) -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(MOVE_BALANCE, {"amount": amount_cents, "buyer": buyer_id})
        row: tuple[int, int] | None = cursor.fetchone()
    if row is None:
        message = f"{money(amount_cents)} would take the balance below its limit"
        raise InsufficientCredits(message)
    return row
