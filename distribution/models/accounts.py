"""The accounts of a workspace. Every movement adds to one and takes the same amount from another.

So the sum over all accounts is 0. Only wallets have a stored balance: each sale would have to lock that of its
workspace (decisions/0078).
"""

from collections.abc import Mapping, Sequence
from typing import Final

import pgtrigger
from django.db import models


class Account(models.TextChoices):
    WALLET = "wallet", "wallets of buyers"
    REVENUE = "revenue", "revenue"
    SOURCE_PAYABLE = "source_payable", "owed to sources"
    SOURCE_COSTS = "source_costs", "costs of sources"
    # What the card provider has, or has paid out. Below 0: received from buyers.
    CARD_CLEARING = "card_clearing", "payments by card"
    # Payments outside the product, and corrections.
    MANUAL_CLEARING = "manual_clearing", "booked by hand"


# The other side of a ledger entry, by its kind. One side is always the wallet.
LEDGER_ACCOUNTS: Final = {
    "charge": (Account.REVENUE,),
    "hold": (Account.REVENUE,),
    "capture": (Account.REVENUE,),
    "release": (Account.REVENUE,),
    "refund": (Account.REVENUE,),
    "topup": (Account.CARD_CLEARING, Account.MANUAL_CLEARING),
    "adjustment": (Account.MANUAL_CLEARING,),
    "cardrefund": (Account.CARD_CLEARING,),
    "chargeback": (Account.CARD_CLEARING,),
    "won_back": (Account.CARD_CLEARING,),
}


# The other side of a payable, by its kind. One side is always what is owed to the source.
PAYABLE_ACCOUNTS: Final = {
    "earned": (Account.SOURCE_COSTS,),
    "deducted": (Account.SOURCE_COSTS,),
    "adjustment": (Account.SOURCE_COSTS,),
    "paid": (Account.MANUAL_CLEARING,),
}


def account_fits_kind(accounts: Mapping[str, Sequence[Account]]) -> models.Q:
    """The condition that an entry's other account is one of its kind."""
    fits = models.Q()
    for account in Account:
        kinds = [kind for kind, allowed in accounts.items() if account in allowed]
        if kinds:
            fits |= models.Q(other_account=account.value, kind__in=kinds)
    return fits


def manual_trigger(*, kinds: tuple[str, ...], default: Account) -> pgtrigger.Trigger:
    """A movement that names no account was booked by hand: the version before this column names none.

    It runs while that version does, during an upgrade. No sale meets the condition.
    """
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    return pgtrigger.Trigger(
        name="booked_by_hand",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        condition=pgtrigger.Condition(f"(NEW.kind IN ({listed}) AND NEW.other_account = '{default.value}')"),
        func=f"NEW.other_account := '{Account.MANUAL_CLEARING.value}'; RETURN NEW;",
    )
