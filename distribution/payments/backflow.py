"""Books what went back to a card: refunds by their total so far, and a dispute's amount. Needs the wallet's lock.

The provider has the money already, so the balance may fall below its limit: the wallet notes by how much.
"""

from typing import Final

from django.db import connection

# The least that lets the balance fall. A trigger takes it back as the balance rises.
ALLOW_BELOW: Final = """
UPDATE distribution_wallet
SET charged_back_cents = GREATEST(
    charged_back_cents, held_cents - credit_limit_cents - (balance_cents - %(amount)s)
)
WHERE id = %(wallet)s
"""


def allow_below(wallet_id: int, *, amount_cents: int) -> None:
    """Let the next movement of this transaction take `amount_cents`, however low the balance becomes."""
    with connection.cursor() as cursor:
        cursor.execute(ALLOW_BELOW, {"wallet": wallet_id, "amount": amount_cents})
