"""A payer that is killed after the provider has taken the money and before the answer is stored.

python -m tests.support.killed_paying API_BASE
"""

import os
import signal
import sys

import django


def main(api_base: str) -> None:
    django.setup()
    from django.conf import settings

    from distribution.payments import sending
    from distribution.payments.payer import run_due
    from leadswitch.env.payments import StripeAccount
    from tests.support.card_provider import KEY, WEBHOOK_SECRET

    settings.LEADSWITCH_STRIPE = StripeAccount(KEY, "pk_test_12345", (WEBHOOK_SECRET,), api_base)
    create = sending.create_intent

    def killed(order: sending.PaymentOrder) -> None:
        create(order)
        os.kill(os.getpid(), signal.SIGKILL)

    sending.create_intent = killed  # type: ignore[assignment]
    run_due()


if __name__ == "__main__":
    main(sys.argv[1])
