"""When a delivery is tried again. Pure: randomness comes in as a seed.

A lead is perishable: its retries begin after a second. An event may wait for three days, as in Standard Webhooks.
"""

import hashlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final

MINUTE: Final = 60.0
HOUR: Final = 60 * MINUTE
# Receivers that failed together must not all be asked again together.
JITTER: Final = 0.2
# An answer may ask for a later retry, up to this many times the usual wait.
LONGEST_FACTOR: Final = 2.0
LONGEST_RETRY_AFTER: Final = 30 * 24 * HOUR
BUCKETS: Final = 2**64


class Retries(Enum):
    """Seconds to wait after the first try, the second and so on. The first try is made at once."""

    LEAD = (1.0, 5.0, 15.0, 60.0, *(5 * MINUTE,) * 6)
    EVENT = (5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)


def wait_after(
    retries: Retries, *, tries: int, seed: int, retry_after_seconds: float | None = None
) -> float | None:
    """Seconds until the next try after `tries` tries, or None if they are used up.

    The usual wait varies by 20%. A Retry-After is honored from the usual wait up to twice of it, and does not vary:
    the receiver chose it. The same seed gives the same waits.
    """
    if tries < 1:
        raise ValueError("there is no wait before the first try")
    if tries > len(retries.value):
        return None
    step: float = retries.value[tries - 1]
    if retry_after_seconds is not None:
        return min(max(retry_after_seconds, step), LONGEST_FACTOR * step)
    return step * (1 - JITTER + 2 * JITTER * _draw(seed, tries))


def _draw(seed: int, tries: int) -> float:
    """Evenly from 0 to 1, another one for each try."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{tries}".encode()).digest()[:8]) / BUCKETS


def read_retry_after(text: str, *, at: datetime) -> float | None:
    """Seconds, or an HTTP date. None if it is neither; a date in the past is 0."""
    written = text.strip()
    if written.isascii() and written.isdigit():
        return min(float(written[:20]), LONGEST_RETRY_AFTER)
    try:
        until = parsedate_to_datetime(written)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max((until - at).total_seconds(), 0.0), LONGEST_RETRY_AFTER)
