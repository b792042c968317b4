"""The balance of a wallet at the end of each day, as the bars of a chart. It moves no money."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db import connection

from distribution.models import Wallet
from tracing.wording import money

DAYS: Final = 30
LAST_ID: Final = 2**63 - 1
# In the chart's units.
CHART_HEIGHT: Final = 60
LEAST_HEIGHT: Final = 1
# A wallet's index is by id, and the one of times is of all wallets. So each day reads two entries, however many there
# are. An entry that was on its way at midnight may be counted in the day before.
BALANCES: Final = """
SELECT (
    SELECT entry.balance_after_cents FROM distribution_ledgerentry entry
    WHERE entry.wallet_id = %(wallet)s AND entry.id < COALESCE((
        SELECT later.id FROM distribution_ledgerentry later
        WHERE later.created_at >= day.ends_at ORDER BY later.created_at LIMIT 1
    ), %(last)s)
    ORDER BY entry.id DESC LIMIT 1
)
FROM unnest(%(ends)s::timestamptz[]) WITH ORDINALITY AS day(ends_at, place) ORDER BY day.place
"""


@dataclass(frozen=True, slots=True)
class BalanceBar:
    """One day. `top` and `height` are in the chart's units."""

    day: date
    balance_cents: int
    top: int
    height: int

    @property
    def is_below_zero(self) -> bool:
        return self.balance_cents < 0


@dataclass(frozen=True, slots=True)
class BalanceChart:
    bars: Sequence[BalanceBar]

    @property
    def highest(self) -> BalanceBar:
        return max(self.bars, key=lambda bar: bar.balance_cents)

    @property
    def lowest(self) -> BalanceBar:
        return min(self.bars, key=lambda bar: bar.balance_cents)

    @property
    def sentence(self) -> str:
        """ "Highest: $400.00 on Nov 28. Lowest: $350.00 on Nov 30." """
        return f"Highest: {_describe(self.highest)}. Lowest: {_describe(self.lowest)}."


def draw_balances(wallet: Wallet, *, at: datetime, zone: ZoneInfo) -> BalanceChart | None:
    """The last DAYS days of the zone, today included. None: nothing was booked yet. One statement."""
    today = at.astimezone(zone).date()
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    found = _read_balances(wallet, days, zone)
    if all(cents is None for cents in found):
        return None
    balances = [cents or 0 for cents in found]
    highest, lowest = max(0, *balances), min(0, *balances)
    return BalanceChart(
        [_draw(day, cents, highest, lowest) for day, cents in zip(days, balances, strict=True)]
    )


def _read_balances(wallet: Wallet, days: Sequence[date], zone: ZoneInfo) -> list[int | None]:
    """None before the first entry of the wallet."""
    ends = [datetime.combine(day + timedelta(days=1), time(), tzinfo=zone) for day in days]
    with connection.cursor() as cursor:
        cursor.execute(BALANCES, {"wallet": wallet.pk, "last": LAST_ID, "ends": ends})
        return [row[0] for row in cursor.fetchall()]


def _draw(day: date, cents: int, highest: int, lowest: int) -> BalanceBar:
    """From the line of $0.00 up, or down if the balance is below it."""
    span = max(highest - lowest, 1)
    zero, end = (round(CHART_HEIGHT * (highest - each) / span) for each in (0, cents))
    return BalanceBar(
        day, cents, min(zero, end, CHART_HEIGHT - LEAST_HEIGHT), max(LEAST_HEIGHT, abs(zero - end))
    )


def _describe(bar: BalanceBar) -> str:
    return f"{money(bar.balance_cents)} on {bar.day:%b} {bar.day.day}"
