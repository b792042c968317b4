"""The protections of payments that can be removed, in the suite's own processes. The product has no switch for it."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Final
from uuid import uuid4

from tests.chaos.protections import PartProtection, cut


def _look_up() -> None:
    """After a request without an answer the next one is sent at once."""
    from distribution.payments import sending

    sending._look_up = sending._send


def _idempotency_key() -> None:
    """Each request for a payment has a new key."""
    from distribution.payments import provider

    get = provider.get_client

    def forgetful() -> Any:
        v1 = get().v1
        intents = v1.payment_intents

        def create(params: Any, _: Any) -> Any:
            return intents.create(params, {"idempotency_key": uuid4().hex})

        made = SimpleNamespace(
            create=create, list=intents.list, retrieve=intents.retrieve, cancel=intents.cancel
        )
        return SimpleNamespace(
            v1=SimpleNamespace(payment_intents=made, refunds=v1.refunds, disputes=v1.disputes)
        )

    provider.get_client = forgetful


def _one_pending() -> None:
    """A wallet may have several payments that have not ended: no index, no lock, no look."""
    from django.db import connection

    from distribution.payments import buying, recharging

    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX IF EXISTS payment_one_pending_each")
    connection.close()  # the processes are forked from this one
    here = "AND NOT EXISTS (\n        SELECT FROM distribution_cardpayment p"
    cut(recharging, "FIND", here, "AND (true OR EXISTS (\n        SELECT FROM distribution_cardpayment p")
    cut(recharging, "FIND", "'needs_action')\n    )", "'needs_action')\n    ))")
    recharging.is_due = lambda *_, **__: True
    recharging.wait_for_wallet_row = buying.wait_for_wallet = lambda _: None
    buying.PENDING = ()  # type: ignore[misc,assignment] # that is how it is taken away


def _inbox() -> None:
    """A webhook that was stored before is applied again."""
    from distribution.payments import webhook

    cut(webhook, "STORE", "DO NOTHING", "DO UPDATE SET kind = EXCLUDED.kind")


def _credit_once() -> None:
    """Each message about a success credits the wallet."""
    from distribution.models import PaymentState
    from distribution.money.wallet import top_up
    from distribution.payments import settle

    apply = settle._apply_success

    def credit_again(payment: Any, intent: Any, *, at: Any) -> None:
        if payment.state == PaymentState.SUCCEEDED and payment.provider_id == intent.provider_id:
            key = f"again:{uuid4().hex}"
            top_up(
                payment.wallet.buyer_id,
                amount_cents=payment.amount_cents,
                key=key,
                actor="chaos",
                clearing="card",
            )
        apply(payment, intent, at=at)

    settle._apply_success = credit_again


def _reconciler() -> None:
    """`reconcile payments` runs and does nothing."""
    from distribution.reconcile import payments
    from tracing.reconciling import Counts

    payments.run = lambda **_: Counts()


PROTECTIONS: Final[Mapping[str, PartProtection]] = {
    "look-up": PartProtection(_look_up, "asking the provider before a request is sent again"),
    "payment-key": PartProtection(_idempotency_key, "one idempotency key for all requests of a payment"),
    "one-pending": PartProtection(_one_pending, "one payment at a time for each wallet"),
    "inbox": PartProtection(_inbox, "the stored webhook", second="credit-once"),
    "credit-once": PartProtection(_credit_once, "one credit for each payment intent"),
    "reconcile-payments": PartProtection(_reconciler, "the comparison with the provider's lists"),
}
# Each of these has its own run. The others are their fallbacks.
ALONE: Final = ("look-up", "payment-key", "one-pending", "inbox", "reconcile-payments")
