"""The balance of each account of a workspace, now.

Wallets have stored balances. The others are sums of entries, so a difference between the two shows in the sum.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from django.db import OperationalError, connection, transaction

from distribution.models import Account
from routing.postgres_errors import is_statement_timeout

# A page waits for it: all entries of a workspace are read.
LONGEST_MS: Final = 5_000

# Pending: what open holds will move if they are captured. A capture frees what its hold held.
READ: Final = """
WITH mine AS (
    SELECT w.id, w.balance_cents, w.held_cents
    FROM distribution_wallet w JOIN distribution_buyer b ON b.id = w.buyer_id WHERE b.workspace_id = %(workspace)s
), moved AS (
    SELECT other_account AS account,
        -SUM(CASE WHEN kind IN ('hold', 'release') THEN 0 ELSE amount_cents END) AS cents,
        SUM(CASE kind WHEN 'capture' THEN amount_cents - released_cents WHEN 'hold' THEN -amount_cents
            WHEN 'release' THEN -amount_cents ELSE 0 END) AS pending_cents
    FROM distribution_ledgerentry WHERE wallet_id IN (SELECT id FROM mine) GROUP BY other_account
), owed AS (
    SELECT other_account AS account, SUM(amount_cents) AS cents FROM distribution_payableentry
    WHERE source_id IN (SELECT id FROM routing_source WHERE workspace_id = %(workspace)s) GROUP BY other_account
), part AS (
    SELECT 'wallet' AS account, SUM(balance_cents) AS cents, -SUM(held_cents) AS pending_cents FROM mine
    UNION ALL SELECT account, cents, pending_cents FROM moved
    UNION ALL SELECT 'source_payable', SUM(cents), 0 FROM owed
    UNION ALL SELECT account, -cents, 0 FROM owed
)
SELECT account, COALESCE(SUM(cents), 0)::bigint, COALESCE(SUM(pending_cents), 0)::bigint FROM part GROUP BY account
"""


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """`pending_cents`: what open holds add if they are captured, and take away from the other account."""

    account: Account
    cents: int = 0
    pending_cents: int = 0


class _Row(NamedTuple):
    """One row of READ, in the order of its columns."""

    account: str
    cents: int
    pending_cents: int


class TooManyEntries(Exception):
    """They were not summed within the time."""


def read_balances(workspace_id: int) -> Sequence[AccountBalance]:
    """Every account, in the order of Account. One statement, so one state. Raises TooManyEntries."""
    try:
        with transaction.atomic():
            found = _read(workspace_id)
    except OperationalError as error:
        if is_statement_timeout(error):
            raise TooManyEntries from error
        raise
    return [
        AccountBalance(account, row.cents, row.pending_cents)
        if (row := found.get(account.value))
        else AccountBalance(account)
        for account in Account
    ]


def _read(workspace_id: int) -> Mapping[str, _Row]:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {LONGEST_MS:d}")
        cursor.execute(READ, {"workspace": workspace_id})
        found = {row[0]: _Row(*row) for row in cursor.fetchall()}
        cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
    return found
