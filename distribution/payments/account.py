"""The installation's account at Stripe, and a client for it. Without keys nothing about cards is offered."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Final

import stripe
from django.conf import settings

# A payer's lease on a payment is longer than all requests of one step together.
REQUEST_SECONDS: Final = 20
CONNECT_SECONDS: Final = 2
_ends_at: ContextVar[float | None] = ContextVar("ends_at", default=None)


class NoCards(RuntimeError):
    """The installation has no account at the provider."""


def has_cards() -> bool:
    return settings.LEADSWITCH_STRIPE is not None


def get_account() -> Any:
    """The StripeAccount of the environment. Raises NoCards."""
    if settings.LEADSWITCH_STRIPE is None:
        raise NoCards("Payments by card are off. Set LEADSWITCH_STRIPE_SECRET_KEY.")
    return settings.LEADSWITCH_STRIPE


@contextmanager
def answer_within(seconds: float) -> Iterator[None]:
    """All requests of the block together get this long, and not REQUEST_SECONDS each."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def get_client() -> stripe.StripeClient:
    """Raises NoCards, and stripe.APIConnectionError if the time of `answer_within` is over."""
    account = get_account()
    return _make_client(account.secret_key, account.api_base, _seconds_left())


def _seconds_left() -> int:
    """Rounded up, so that few clients are made: each keeps its connections."""
    ends_at = _ends_at.get()
    if ends_at is None:
        return REQUEST_SECONDS
    left = ends_at - time.monotonic()
    if left <= 0:
        raise stripe.APIConnectionError(  # type: ignore[no-untyped-call]
            "The earlier requests of this step took too long."
        )
    return math.ceil(left)


@lru_cache(maxsize=16)
def _make_client(secret_key: str, api_base: str, seconds: int) -> stripe.StripeClient:
    """It never repeats a request by itself: a payment is looked up before it is asked for again."""
    return stripe.StripeClient(
        secret_key,
        base_addresses={"api": api_base},
        http_client=stripe.RequestsClient(timeout=(CONNECT_SECONDS, seconds)),
        max_network_retries=0,
    )
