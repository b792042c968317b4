"""A number that came in JSON and fits no column. It travels as its digits, so that each field can judge it."""

from typing import Final

SMALLEST: Final = -(2**63)
LARGEST: Final = 2**63 - 1


class WideNumber(str):
    """The text of a whole number beyond 64 bits."""

    __slots__ = ()


def read_integer(digits: str) -> int | WideNumber:
    """The number, where it fits into 64 bits."""
    value = int(digits)
    return value if SMALLEST <= value <= LARGEST else WideNumber(digits)
