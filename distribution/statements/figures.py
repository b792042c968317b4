"""The figures of a month, read from the ledger alone. A public id of a lead is all that they say about a person.

A statement covers entries by their ids, not by their times: under the wallet's lock no entry of it is on its way, and
the ids of a wallet's entries are in the order of their commits. So an entry that waited at midnight is in the next
month, and none is lost or counted twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from distribution.models import MOVED

MAX_LISTED: Final = 1_000

# Walks the newest entries until the end of the month.
LAST_ENTRY: Final = """
SELECT id FROM distribution_ledgerentry
WHERE wallet_id = %(wallet)s AND created_at < %(at)s ORDER BY id DESC LIMIT 1
"""
BALANCE: Final = """
SELECT balance_after_cents FROM distribution_ledgerentry
WHERE wallet_id = %(wallet)s AND id <= %(entry)s ORDER BY id DESC LIMIT 1
"""
# A capture takes what its hold held.
HELD: Final = """
SELECT COALESCE(SUM(CASE kind WHEN 'capture' THEN amount_cents ELSE -amount_cents END), 0)::bigint
FROM distribution_ledgerentry
WHERE wallet_id = %(wallet)s AND id <= %(last)s AND kind IN ('hold', 'release', 'capture')
"""
MOVEMENTS: Final = """
SELECT kind, count(*), SUM(amount_cents)::bigint FROM distribution_ledgerentry
WHERE wallet_id = %(wallet)s AND id > %(after)s AND id <= %(last)s AND kind NOT IN ('hold', 'release')
GROUP BY kind
"""
CAMPAIGNS: Final = """
SELECT c.public_id, c.name, count(*), SUM(e.amount_cents)::bigint
FROM distribution_ledgerentry e
JOIN distribution_assignment a ON a.id = e.assignment_id
JOIN distribution_campaign c ON c.id = a.campaign_id
WHERE e.wallet_id = %(wallet)s AND e.id > %(after)s AND e.id <= %(last)s AND e.kind IN ('charge', 'capture')
GROUP BY c.public_id, c.name ORDER BY c.name, c.public_id
"""
OTHERS: Final = """
SELECT (e.created_at AT TIME ZONE %(timezone)s)::date, e.kind, e.public_id, l.public_id, e.amount_cents
FROM distribution_ledgerentry e
LEFT JOIN distribution_assignment a ON a.id = e.assignment_id
LEFT JOIN routing_lead l ON l.id = a.lead_id
WHERE e.wallet_id = %(wallet)s AND e.id > %(after)s AND e.id <= %(last)s
    AND e.kind IN ('topup', 'adjustment', 'refund', 'cardrefund', 'chargeback', 'won_back')
ORDER BY e.id DESC LIMIT %(limit)s
"""


class FiguresDiffer(RuntimeError):
    """The sum of the entries is not the balance after the last one. The statement is not issued."""


@dataclass(frozen=True, slots=True)
class Figures:
    """`moved`: cents by the columns of MOVED. `details`: as JSON."""

    opening_cents: int
    leads: int
    moved: Mapping[str, int]
    closing_cents: int
    held_cents: int
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Range:
    """The entries of a wallet with an id above `after_entry_id`, up to `last_entry_id`."""

    wallet_id: int
    after_entry_id: int
    last_entry_id: int
    timezone: str

    @property
    def given(self) -> dict[str, Any]:
        return {
            "wallet": self.wallet_id,
            "after": self.after_entry_id,
            "last": self.last_entry_id,
            "timezone": self.timezone,
        }


def find_last_entry(wallet_id: int, *, at: datetime) -> int:
    """The id of the wallet's last entry before `at`; 0 if there is none."""
    rows = _rows(LAST_ENTRY, {"wallet": wallet_id, "at": at})
    return int(rows[0][0]) if rows else 0


def read_figures(entries: Range) -> Figures:
    """Raises FiguresDiffer."""
    kinds = {kind: (int(count), int(cents)) for kind, count, cents in _rows(MOVEMENTS, entries.given)}
    moved = {
        name: sum(kinds.get(kind, (0, 0))[1] for kind in counted_kinds)
        for name, counted_kinds in MOVED.items()
    }
    opening_cents = _read_balance(entries.wallet_id, entries.after_entry_id)
    closing_cents = opening_cents + sum(moved.values())
    if closing_cents != _read_balance(entries.wallet_id, entries.last_entry_id):
        message = f"wallet {entries.wallet_id}: the entries up to {entries.last_entry_id} do not add up"
        raise FiguresDiffer(message)
    return Figures(
        opening_cents=opening_cents,
        leads=sum(kinds.get(kind, (0, 0))[0] for kind in MOVED["charged_cents"]),
        moved=moved,
        closing_cents=closing_cents,
        held_cents=int(_rows(HELD, entries.given)[0][0]),
        details=_read_details(entries, kinds),
    )


def _read_details(entries: Range, kinds: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    """The newest MAX_LISTED single movements; `counts` and the sums are always whole."""
    others = _rows(OTHERS, {**entries.given, "limit": MAX_LISTED})
    return {
        "campaigns": [
            {"id": str(public_id), "name": name, "leads": int(count), "amount_cents": int(cents)}
            for public_id, name, count, cents in _rows(CAMPAIGNS, entries.given)
        ],
        "counts": {kind: count for kind, (count, _) in sorted(kinds.items())},
        "movements": [
            {
                "day": day.isoformat(),
                "kind": kind,
                "entry_id": str(entry_id),
                "lead_id": None if lead_id is None else str(lead_id),
                "amount_cents": int(cents),
            }
            for day, kind, entry_id, lead_id, cents in others
        ],
    }


def _read_balance(wallet_id: int, entry_id: int) -> int:
    rows = _rows(BALANCE, {"wallet": wallet_id, "entry": entry_id})
    return int(rows[0][0]) if rows else 0


def _rows(sql: str, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
