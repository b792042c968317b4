"""Years of statements: each entry is read with the statement of its month, and not again with every later one."""

from typing import Final

import pytest
from django.db import connection

from distribution.models import BuyerStatement, LedgerEntry, Wallet
from distribution.verify import run_verification, statements
from distribution.verify.slices import Slice
from tests.functional.verify.world import broken
from tests.support.factories import BuyerFactory
from tests.support.plans import read_by_table
from tests.support.planting import plant

WALLETS: Final = 30
MONTHS: Final = 20
A_MONTH: Final = 30
ENTRIES: Final = WALLETS * MONTHS * A_MONTH
# Entries of the wallets in turns, a cent each. A single movement of each month is a line of its statement.
FILL_ENTRIES: Final = """
INSERT INTO distribution_ledgerentry (
    public_id, wallet_id, kind, amount_cents, balance_after_cents, idempotency_key, actor, reason, other_account
)
SELECT gen_random_uuid(), w.id, 'topup', 1, n, 'filled:' || w.id || ':' || n, 'x', 'x', 'manual_clearing'
FROM generate_series(1, %(number)s) n CROSS JOIN distribution_wallet w ORDER BY n, w.id
"""
FILL_STATEMENTS: Final = """
INSERT INTO distribution_buyerstatement (workspace_id, wallet_id, number, month, timezone, starts_at, ends_at,
    after_entry_id, last_entry_id, buyer_name, workspace_name, opening_cents, leads, charged_cents, refunded_cents,
    topped_up_cents, adjusted_cents, card_refunded_cents, charged_back_cents, won_back_cents, closing_cents, held_cents,
    credit_limit_cents, due_cents, due_on, due_at, details, issued_at, issued_by)
SELECT b.workspace_id, e.wallet_id, e.month + 1, date '2020-01-01' + make_interval(months => e.month), 'UTC',
    date '2020-01-01' + make_interval(months => e.month), date '2020-02-01' + make_interval(months => e.month),
    COALESCE(lag(max(e.id)) OVER (PARTITION BY e.wallet_id ORDER BY e.month), 0), max(e.id), '', '',
    min(e.balance_after_cents) - 1, 0, 0, 0, count(*), 0, 0, 0, 0, max(e.balance_after_cents), 0, 0, 0, '2026-04-01',
    '2026-04-02', jsonb_build_object('campaigns', '[]'::jsonb, 'movements', jsonb_build_array(jsonb_build_object(
        'entry_id', min(e.public_id::text), 'kind', 'topup', 'amount_cents', 1))), now(), 'x'
FROM (
    SELECT *, ((row_number() OVER (PARTITION BY wallet_id ORDER BY id) - 1) / %(a_month)s)::int AS month
    FROM distribution_ledgerentry
) e
JOIN distribution_wallet w ON w.id = e.wallet_id JOIN distribution_buyer b ON b.id = w.buyer_id
GROUP BY b.workspace_id, e.wallet_id, e.month
"""
BALANCES: Final = "UPDATE distribution_wallet SET balance_cents = %(number)s"


@pytest.fixture
def years(committed_db: None) -> Slice:  # noqa: ARG001
    """Twenty months of thirty buyers, whose entries are in turns."""
    BuyerFactory.create_batch(WALLETS)
    plant(FILL_ENTRIES, {"number": MONTHS * A_MONTH})
    plant(FILL_STATEMENTS, {"a_month": A_MONTH})
    plant(BALANCES, {"number": MONTHS * A_MONTH})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE distribution_ledgerentry, distribution_buyerstatement, distribution_wallet")
        cursor.execute("SELECT now()")
        [at] = cursor.fetchone()
    return Slice(at)


def entries_read(sql: str, part: Slice) -> float:
    return read_by_table(sql, part.parameters())["distribution_ledgerentry"][1]


@pytest.mark.usefixtures("years")
def test_years_of_statements_hold() -> None:
    assert (LedgerEntry.objects.count(), BuyerStatement.objects.count()) == (ENTRIES, WALLETS * MONTHS)
    assert broken(run_verification()) == {}


@pytest.mark.parametrize("sql", [statements.SUMS_FIT, statements.LINES_FIT], ids=["sums", "lines"])
def test_entry_is_read_with_its_month_only(years: Slice, sql: str) -> None:
    """And the entry before it, twice, for each opening balance."""
    assert entries_read(sql, years) <= ENTRIES + 2 * WALLETS * MONTHS


def test_touched_wallet_reads_its_own_entries(years: Slice) -> None:
    one = Wallet.objects.order_by("pk")[0].pk
    for sql in (statements.SUMS_FIT, statements.LINES_FIT):
        assert entries_read(sql, Slice(years.at, ids=(one,))) <= (ENTRIES + 2 * WALLETS * MONTHS) / WALLETS


def test_months_are_compared_in_one_pass(years: Slice) -> None:
    _, rows = read_by_table(statements.FOLLOWS, years.parameters())["distribution_buyerstatement"]
    assert rows == WALLETS * MONTHS
