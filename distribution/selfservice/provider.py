"""Bounds what asks the card provider inside a web process: while it hangs, other requests find a free thread."""

from collections.abc import Callable
from typing import TypeVar

from distribution.payments.buying import PaymentRefused
from distribution.selfservice.places import OUTSIDE, TooBusy

Result = TypeVar("Result")


def ask_provider(work: Callable[[], Result]) -> Result:
    """Run what sends requests to the provider. No transaction may be open. Raises PaymentRefused: at once if busy."""
    try:
        with OUTSIDE.take():
            return work()
    except TooBusy as busy:
        raise PaymentRefused("provider_unreachable", busy.message) from None
