"""The chart of a wallet: what was left at the end of each of the buyer's days."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from distribution.models import Buyer, Wallet
from distribution.money.by_day import BalanceBar, BalanceChart, draw_balances
from tests.support.factories import BuyerFactory, WorkspaceFactory
from tests.support.planting import plant

pytestmark = pytest.mark.django_db

NEW_YORK = ZoneInfo("America/New_York")
AT = datetime(2026, 11, 30, 17, tzinfo=UTC)
ENTRY = """
INSERT INTO distribution_ledgerentry (wallet_id, kind, amount_cents, balance_after_cents, idempotency_key, actor,
    reason, created_at, other_account)
VALUES (%s, 'adjustment', 1, %s, gen_random_uuid()::text, 'test', '', %s, 'manual_clearing')
"""


@pytest.fixture
def wallet() -> Wallet:
    buyer: Buyer = BuyerFactory()
    return buyer.wallet


def book(wallet: Wallet, balance_after_cents: int, at: datetime) -> None:
    plant(ENTRY, [wallet.pk, balance_after_cents, at])


def draw(wallet: Wallet) -> BalanceChart:
    chart = draw_balances(wallet, at=AT, zone=NEW_YORK)
    assert chart is not None
    return chart


def bars(chart: BalanceChart) -> dict[str, tuple[int, int, int]]:
    return {f"{bar.day}": (bar.balance_cents, bar.top, bar.height) for bar in chart.bars}


def test_last_entry_of_each_local_day_counts(wallet: Wallet) -> None:
    other: Buyer = BuyerFactory(workspace=WorkspaceFactory())
    book(wallet, 4_000, datetime(2026, 10, 2, tzinfo=UTC))  # before the chart begins
    book(wallet, 9_000, datetime(2026, 11, 28, 15, tzinfo=UTC))
    book(other.wallet, 70_000, datetime(2026, 11, 28, 16, tzinfo=UTC))
    book(wallet, 6_000, datetime(2026, 11, 29, 4, 59, tzinfo=UTC))  # 11:59 PM on Nov 28
    book(wallet, 3_000, datetime(2026, 11, 29, 5, 1, tzinfo=UTC))  # 12:01 AM on Nov 29
    chart = draw(wallet)
    found = bars(chart)
    assert next(iter(found)) == "2026-11-01"
    assert len(found) == 30
    assert [found[f"2026-11-{day}"] for day in ("01", "27", "28", "29", "30")] == [
        *((4_000, 20, 40), (4_000, 20, 40), (6_000, 0, 60), (3_000, 30, 30), (3_000, 30, 30)),
    ]
    assert chart.sentence == "Highest: $60.00 on Nov 28. Lowest: $30.00 on Nov 29."


def test_balance_below_zero_hangs_from_the_line(wallet: Wallet) -> None:
    book(wallet, 2_000, datetime(2026, 11, 28, 15, tzinfo=UTC))
    book(wallet, -1_000, datetime(2026, 11, 29, 15, tzinfo=UTC))
    found = {bar.day: bar for bar in draw(wallet).bars}
    assert found[date(2026, 11, 27)] == BalanceBar(date(2026, 11, 27), 0, 40, 1)
    assert found[date(2026, 11, 28)] == BalanceBar(date(2026, 11, 28), 2_000, 0, 40)
    assert found[date(2026, 11, 29)] == BalanceBar(date(2026, 11, 29), -1_000, 40, 20)
    assert found[date(2026, 11, 29)].is_below_zero


def test_wallet_without_entries_has_no_chart(wallet: Wallet) -> None:
    assert draw_balances(wallet, at=AT, zone=NEW_YORK) is None


def test_chart_is_one_statement(wallet: Wallet) -> None:
    with CaptureQueriesContext(connection) as captured:
        draw_balances(wallet, at=AT, zone=NEW_YORK)
    assert len(captured) == 1
