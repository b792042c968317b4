"""What goes back to cards: refunds of top-ups, and chargebacks that the cardholder's bank decides.

Each is a movement between a wallet and the card clearing account, once for each cause.
"""

from distribution.models import Account, LedgerEntry, LedgerKind
from distribution.money.movement import MoneyRefused, Movement, check_cents, move
from tracing.wording import money


def refund_to_card(
    buyer_id: int, *, amount_cents: int, key: str, actor: str, reason: str = ""
) -> LedgerEntry:
    """Take from a wallet what the provider paid back to a card, once for each `key`. A repeat returns the first entry.

    `amount_cents` is positive. Raises MoneyRefused, InsufficientCredits, MoneyKeyReused, TypeError.
    """
    _check_positive(amount_cents)
    return move(
        buyer_id, Movement(LedgerKind.CARD_REFUND, -amount_cents, Account.CARD_CLEARING, key, actor, reason)
    )


def charge_back(buyer_id: int, *, amount_cents: int, key: str, actor: str, reason: str = "") -> LedgerEntry:
    """Take from a wallet what a bank took back, once for each `key`: the dispute's id. A repeat returns the first one.

    `amount_cents` is positive. Raises MoneyRefused, InsufficientCredits, MoneyKeyReused, TypeError.
    """
    _check_positive(amount_cents)
    return move(
        buyer_id, Movement(LedgerKind.CHARGEBACK, -amount_cents, Account.CARD_CLEARING, key, actor, reason)
    )


def win_back(buyer_id: int, *, amount_cents: int, key: str, actor: str, reason: str = "") -> LedgerEntry:
    """Add what a bank gave back after a chargeback, once for each `key`. A repeat returns the first entry.

    Raises MoneyRefused, MoneyKeyReused, TypeError.
    """
    _check_positive(amount_cents)
    return move(
        buyer_id, Movement(LedgerKind.CHARGEBACK_WON, amount_cents, Account.CARD_CLEARING, key, actor, reason)
    )


def _check_positive(amount_cents: int) -> None:
    check_cents(amount_cents)
    if amount_cents <= 0:
        message = f"the amount must be above $0.00, not {money(amount_cents)}"
        raise MoneyRefused(message)
