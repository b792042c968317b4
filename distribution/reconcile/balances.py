"""Compares balances with their ledger entries. Differences are reported and never corrected automatically.

A person finds the cause and books an adjustment with a reason.
"""

import logging
from typing import Final

from django.db import connection

from tracing.reconciling import Counts, in_batches, name_rows

logger = logging.getLogger(__name__)

WALLETS_A_BATCH: Final = 100

# One statement sees one state: an entry and the balance after it are committed together.
COMPARE: Final = """
SELECT w.id, w.balance_cents, COALESCE((
    SELECT SUM(e.amount_cents) FROM distribution_ledgerentry e
    WHERE e.wallet_id = w.id AND e.kind NOT IN ('hold', 'release')
), 0)
FROM distribution_wallet w
WHERE w.id > %s
ORDER BY w.id
LIMIT %s
"""


def run(*, fix: bool, limit: int) -> Counts:  # noqa: ARG001 - money is never repaired automatically
    return in_batches(_compare, limit=limit, size=WALLETS_A_BATCH)


def _compare(after: int | None, count: int) -> tuple[Counts, int | None]:
    with connection.cursor() as cursor:
        cursor.execute(COMPARE, [after or 0, count])
        rows = cursor.fetchall()
    wrong = [row for row in rows if row[1] != row[2]]
    for wallet_id, balance_cents, entries_cents in wrong:
        logger.error(
            "distribution.balance_differs",
            extra={"wallet_id": wallet_id, "balance_cents": balance_cents, "entries_cents": entries_cents},
        )
    named = name_rows("wallet", (row[0] for row in wrong))
    counts = Counts(checked=len(rows), skipped=len(wrong), named=named)
    return counts, rows[-1][0] if len(rows) == count else None
