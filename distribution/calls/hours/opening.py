"""Leads that wait for an opening are called over its first minutes, and not all in its first second."""

from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

SPREAD: Final = timedelta(minutes=10)
MILLISECOND: Final = timedelta(milliseconds=1)
HASH_BYTES: Final = 8


def spread_opening(
    opens_at: datetime, *, seed: int, closes_at: datetime, over: timedelta = SPREAD
) -> datetime:
    """A moment from `opens_at` until `over` later, the same one for the same seed. It is never early.

    Short openings are used in their first half only, so that there is time left for the call. Give `over` in proportion
    to the number of waiting leads.
    """
    room = max(min(over, (closes_at - opens_at) / 2), timedelta(0))
    steps = room // MILLISECOND
    return opens_at + steps * _draw(seed) // (1 << 8 * HASH_BYTES) * MILLISECOND


def _draw(seed: int) -> int:
    """The same number in every process, unlike hash()."""
    return int.from_bytes(blake2b(str(seed).encode(), digest_size=HASH_BYTES).digest(), "big")
