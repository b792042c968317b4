"""Requests to the provider that a person waits for. They hold a thread of the web server, so they are few and short."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from distribution.payments.account import answer_within
from distribution.payments.buying import PaymentRefused
from distribution.payments.provider import AnswerUnknown
from distribution.slow_work import OUTSIDE, TooBusy

# All requests of one step together. A connection is given two seconds more (account.py).
PERSON_SECONDS: Final = 5
UNREACHABLE: Final = PaymentRefused(
    "provider_unreachable", "The card provider does not answer. Try again in a minute.", wait_seconds=60
)


@contextmanager
def person_waits() -> Iterator[None]:
    """Raises PaymentRefused: at once if this process waits for others already, or when the time is over."""
    try:
        with OUTSIDE.take(), answer_within(PERSON_SECONDS):
            yield
    except TooBusy as busy:
        raise PaymentRefused("busy", busy.message, wait_seconds=1) from None
    except AnswerUnknown as error:
        raise UNREACHABLE from error
