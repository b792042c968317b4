"""Amounts that a person enters in dollars."""

from decimal import Decimal
from typing import Final

CENTS: Final = 100
MAX_DOLLARS: Final = Decimal("10000000")


def to_cents(dollars: Decimal | None) -> int | None:
    return None if dollars is None else int(dollars * CENTS)


def to_dollars(cents: int | None) -> Decimal | None:
    return None if cents is None else Decimal(cents) / CENTS
