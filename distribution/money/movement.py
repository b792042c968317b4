"""Writes one movement of a wallet: a conditional UPDATE of the balance and a ledger row, in one transaction.

Once for each idempotency key.
"""

from dataclasses import dataclass
from typing import Final

from django.db import IntegrityError, connection, transaction

from distribution.models import Account, LedgerEntry, LedgerKind
from tracing.wording import money

# Stale reads do no harm: the update checks the condition on the locked row. `charged_back_cents` is exactly what a
# balance is below its limit, so it lets nothing fall further but the chargeback that has just raised it.
MOVE_BALANCE: Final = """
UPDATE distribution_wallet
SET balance_cents = balance_cents + %(amount)s, version = version + 1
WHERE buyer_id = %(buyer)s AND balance_cents + %(amount)s - held_cents >= -credit_limit_cents - charged_back_cents
RETURNING id, balance_cents
"""

# The maximum of one movement and of a credit limit: ten million dollars. A larger sum is an error.
MAX_CENTS: Final = 1_000_000_000


class MoneyRefused(ValueError):
    """The movement is not allowed. The message says why and what would be accepted."""


class InsufficientCredits(MoneyRefused):
    """The balance would go below its limit."""


class MoneyKeyReused(MoneyRefused):
    """The idempotency key belongs to another movement."""


@dataclass(frozen=True, slots=True)
class Movement:
    """`amount_cents` is added to the wallet and taken from `other_account`. `key`: of its cause.

    `reason`: for the agency, if a person books it. `buyer_note`: for the buyer.
    """

    kind: LedgerKind
    amount_cents: int
    other_account: Account
    key: str
    actor: str
    reason: str = ""
    assignment_id: int | None = None
    buyer_note: str = ""

    @property
    def idempotency_key(self) -> str:
        return f"{self.kind.value}:{self.key}"


def move(buyer_id: int, movement: Movement) -> LedgerEntry:
    """Return the new entry, or the earlier one with this key. Raises InsufficientCredits, MoneyKeyReused."""
    try:
        with transaction.atomic():
            earlier = find_earlier(buyer_id, movement)
            if earlier is not None:
                return earlier
            wallet_id, balance_after_cents = _move_balance(buyer_id, amount_cents=movement.amount_cents)
            return _write(movement, wallet_id=wallet_id, balance_after_cents=balance_after_cents)
    except IntegrityError:
        # Another transaction wrote this key between our read and our insert. Ours was rolled back with its balance.
        earlier = find_earlier(buyer_id, movement)
        if earlier is None:
            raise
        return earlier


def find_earlier(buyer_id: int, movement: Movement) -> LedgerEntry | None:
    """Raises MoneyKeyReused if the key belongs to a movement of another wallet, amount or account."""
    key = movement.idempotency_key
    entry = LedgerEntry.objects.select_related("wallet").filter(idempotency_key=key).first()
    if entry is not None and (
        entry.wallet.buyer_id != buyer_id
        or entry.amount_cents != movement.amount_cents
        or entry.other_account != movement.other_account
    ):
        raise MoneyKeyReused(describe_reused(entry))
    return entry


def describe_reused(entry: LedgerEntry) -> str:
    amount = money(entry.amount_cents)
    return f"the key {entry.idempotency_key!r} was used for another movement of {amount}; use a new key"


def check_cents(cents: object) -> None:
    """Cents must be an int: the database would silently round a float or a Decimal. A bool is refused too."""
    if type(cents) is not int:
        message = f"cents are an int, not {type(cents).__name__}"
        raise TypeError(message)
    if abs(cents) > MAX_CENTS:
        message = f"{money(cents)} is more than {money(MAX_CENTS)}, the most in one movement"
        raise MoneyRefused(message)


def _write(movement: Movement, *, wallet_id: int, balance_after_cents: int) -> LedgerEntry:
    return LedgerEntry.objects.create(
        wallet_id=wallet_id,
        kind=movement.kind,
        amount_cents=movement.amount_cents,
        other_account=movement.other_account,
        balance_after_cents=balance_after_cents,
        idempotency_key=movement.idempotency_key,
        assignment_id=movement.assignment_id,
        actor=movement.actor,
        reason=movement.reason,
        buyer_note=movement.buyer_note,
    )


def _move_balance(buyer_id: int, *, amount_cents: int) -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(MOVE_BALANCE, {"amount": amount_cents, "buyer": buyer_id})
        row: tuple[int, int] | None = cursor.fetchone()
    if row is None:
        message = f"{money(amount_cents)} would take the balance below its limit"
        raise InsufficientCredits(message)
    return row
