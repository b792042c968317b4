"""The installation's account at Stripe, and a client for it. Without keys nothing about cards is offered."""

from functools import lru_cache
from typing import Any, Final

import stripe
from django.conf import settings

# A payer's lease on a payment is longer than all requests of one step together.
REQUEST_SECONDS: Final = 20


class NoCards(RuntimeError):
    """The installation has no account at the provider."""


def has_cards() -> bool:
    return settings.LEADSWITCH_STRIPE is not None


def get_account() -> Any:
    """The StripeAccount of the environment. Raises NoCards."""
    if settings.LEADSWITCH_STRIPE is None:
        raise NoCards("Payments by card are off. Set LEADSWITCH_STRIPE_SECRET_KEY.")
    return settings.LEADSWITCH_STRIPE


def get_client() -> stripe.StripeClient:
    """Raises NoCards."""
    account = get_account()
    return _make_client(account.secret_key, account.api_base)


@lru_cache(maxsize=4)
def _make_client(secret_key: str, api_base: str) -> stripe.StripeClient:
    """It never repeats a request by itself: a payment is looked up before it is asked for again."""
    return stripe.StripeClient(
        secret_key,
        base_addresses={"api": api_base},
        http_client=stripe.RequestsClient(timeout=REQUEST_SECONDS),
        max_network_retries=0,
    )
