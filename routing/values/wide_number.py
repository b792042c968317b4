"""A JSON number too large for any column. It stays text, so that each field can validate it."""

from typing import Final

SMALLEST: Final = -(2**63)
LARGEST: Final = 2**63 - 1


class WideNumber(str):
    """The text of a whole number beyond 64 bits."""

    __slots__ = ()


def read_integer(digits: str) -> int | WideNumber:
    """The number, or a WideNumber if it does not fit in 64 bits."""
    value = int(digits)
    return value if SMALLEST <= value <= LARGEST else WideNumber(digits)
