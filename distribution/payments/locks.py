"""The locks of payments. The wallet comes first: sales lock it, and so does every change of a payment or a recharge."""

from typing import Final

from django.db import connection

from distribution.models import CardPayment, Recharge

# Any fixed number that no other advisory lock uses, with a hash of the payment intent's id.
INTENT_LOCK: Final = 0x5743
LOCK_INTENT: Final = "SELECT pg_advisory_xact_lock(%s, hashtext(%s))"
LOCK_WALLET: Final = "SELECT id FROM distribution_wallet WHERE id = %s FOR NO KEY UPDATE"


def lock_intent(provider_id: str) -> None:
    """Serialize the success of a payment with what comes back of it. Before any wallet; needs an open transaction."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_INTENT, [INTENT_LOCK, provider_id])


def wait_for_wallet_row(wallet_id: int) -> None:
    """Needs an open transaction. Read the payment and the recharge after it, in new statements."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_WALLET, [wallet_id])


def lock_payment(payment_id: int) -> CardPayment:
    """Wait for its wallet, then read it. Needs an open transaction. Raises CardPayment.DoesNotExist."""
    wait_for_wallet_row(CardPayment.objects.values_list("wallet_id", flat=True).get(pk=payment_id))
    return CardPayment.objects.select_related("wallet", "card").get(pk=payment_id)


def read_recharge(wallet_id: int) -> Recharge | None:
    """Of a wallet that the caller has locked."""
    return Recharge.objects.filter(wallet_id=wallet_id).first()
