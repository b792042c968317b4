"""The counters behind caps: leads and cents in the current hour, day, week and month of a buyer's time zone.

Every enrollment has all four counters, so a cap that is set later already has past sales.
"""

from collections.abc import Mapping
from datetime import datetime

from distribution.engine.types import Usage
from routing.calendar.windows import WINDOW_KINDS, window_start


def consume(usage: Mapping[str, Usage], *, at: datetime, timezone: str, price_cents: int) -> dict[str, Usage]:
    """Return the counters after a sale at `at`. Call it under the enrollment's lock, with counters read under it."""
    return {
        window: _count(usage.get(window), window_start(window, at, timezone), price_cents)
        for window in WINDOW_KINDS
    }


def _count(usage: Usage | None, starts_at: datetime, price_cents: int) -> Usage:
    # A window later than ours stays: another worker's clock was ahead, and its sales must not be lost.
    if usage is None or usage[0] < starts_at:
        return (starts_at, 1, price_cents)
    return (usage[0], usage[1] + 1, usage[2] + price_cents)


def give_back(
    usage: Mapping[str, Usage], *, counted_in: Mapping[str, datetime], price_cents: int, leads: int = 1
) -> dict[str, Usage]:
    """Return the counters after a return. Only windows with these starts, in which the sale counted, change.

    `leads` 0: the sale still counts, at a price that is lower by `price_cents`.
    """
    return {
        window: _uncount(counted, counted_in[window], price_cents, leads)
        for window in WINDOW_KINDS
        if (counted := usage.get(window)) is not None
    }


def _uncount(usage: Usage, sold_in: datetime, price_cents: int, leads: int) -> Usage:
    if usage[0] != sold_in:
        return usage
    return (usage[0], max(0, usage[1] - leads), max(0, usage[2] - price_cents))
