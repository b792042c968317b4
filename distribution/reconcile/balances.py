"""Compares balances with their ledger entries. Differences are reported and never corrected automatically.

A person must find the cause and book an adjustment with a reason.
"""

import logging
from typing import Final, NamedTuple

from django.db import connection

from tracing.reconciling import Counts, in_batches, name_rows

logger = logging.getLogger(__name__)

WALLETS_PER_BATCH: Final = 100

# One statement sees one state, and an entry is committed together with the balance after it.
COMPARE: Final = """
SELECT w.id AS wallet_id, w.balance_cents, COALESCE((
    SELECT SUM(e.amount_cents) FROM distribution_ledgerentry e
    WHERE e.wallet_id = w.id AND e.kind NOT IN ('hold', 'release')
), 0) AS entries_cents
FROM distribution_wallet w
WHERE w.id > %s
ORDER BY w.id
LIMIT %s
"""


class Balance(NamedTuple):
    """One row of COMPARE, in the order of its columns."""

    wallet_id: int
    balance_cents: int
    entries_cents: int


def run(*, fix: bool, limit: int) -> Counts:  # noqa: ARG001 - money is never repaired automatically
    return in_batches(_compare, limit=limit, size=WALLETS_PER_BATCH)


def _compare(after: int | None, count: int) -> tuple[Counts, int | None]:
    with connection.cursor() as cursor:
        cursor.execute(COMPARE, [after or 0, count])
        rows = [Balance(*row) for row in cursor.fetchall()]
    wrong = [row for row in rows if row.balance_cents != row.entries_cents]
    for row in wrong:
        logger.error("distribution.balance_differs", extra=row._asdict())
    named = name_rows("wallet", (row.wallet_id for row in wrong))
    counts = Counts(checked=len(rows), skipped=len(wrong), named=named)
    return counts, rows[-1].wallet_id if len(rows) == count else None
