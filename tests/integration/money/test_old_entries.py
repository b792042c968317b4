"""Entries of the version before entries named their other side."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.support.old_database import OldDatabase, old_database

# More top-ups than one batch of the migration, among the charges.
FILL = """
INSERT INTO distribution_ledgerentry (
    wallet_id, kind, amount_cents, balance_after_cents, idempotency_key, assignment_id, actor, reason
)
SELECT 1, kind, amount, 0, kind || ':' || n || ':' || amount, assignment, '', ''
FROM generate_series(1, 6000) n, LATERAL (VALUES
    ('topup', 100, NULL), ('charge', -7, n), ('hold', -9, n), ('capture', -9, n + 10000), ('release', 9, n),
    ('refund', 3, n)
) AS entry(kind, amount, assignment)
WHERE kind = 'topup' OR n <= 3
"""
FILL_ADJUSTMENTS = """
INSERT INTO distribution_ledgerentry (
    wallet_id, kind, amount_cents, balance_after_cents, idempotency_key, actor, reason
) VALUES (1, 'adjustment', -5, 0, 'a', '', ''), (1, 'adjustment', 5, 0, 'b', '', '')
"""
FILL_PAYABLES = """
INSERT INTO distribution_payableentry (
    source_id, kind, amount_cents, idempotency_key, lead_id, assignment_id, contract_id, actor, reason
)
SELECT 1, kind, amount, kind || ':' || n, id, id, id, '', 'x'
FROM generate_series(1, 6000) n, LATERAL (VALUES
    ('earned', 100, n), ('deducted', -10, n), ('adjustment', 5, NULL), ('paid', -20, NULL)
) AS entry(kind, amount, id)
WHERE kind = 'paid' OR n <= 2
"""
COUNT_PAYABLES = """
SELECT kind, other_account, count(*), sum(amount_cents)::int FROM distribution_payableentry
GROUP BY kind, other_account ORDER BY kind
"""
PAYABLE_SIDES = [
    ("adjustment", "source_costs", 2, 10),
    ("deducted", "source_costs", 2, -20),
    ("earned", "source_costs", 2, 200),
    ("paid", "manual_clearing", 6_000, -120_000),
]
COUNT = """
SELECT kind, other_account, count(*), sum(amount_cents)::int FROM distribution_ledgerentry
GROUP BY kind, other_account ORDER BY kind
"""
SIDES = [
    ("adjustment", "manual_clearing", 2, 0),
    ("capture", "revenue", 3, -27),
    ("charge", "revenue", 3, -21),
    ("hold", "revenue", 3, -27),
    ("refund", "revenue", 3, 9),
    ("release", "revenue", 3, 27),
    ("topup", "manual_clearing", 6_000, 600_000),
]


@pytest.fixture(scope="module")
def old() -> Iterator[OldDatabase]:
    with old_database() as database:
        database.migrate("distribution", "0058")
        database.add(FILL, FILL_ADJUSTMENTS, FILL_PAYABLES)
        database.migrate()
        yield database


def test_old_entries_get_their_other_side(old: OldDatabase) -> None:
    assert old.rows(COUNT) == SIDES
    assert old.rows(COUNT_PAYABLES) == PAYABLE_SIDES


def test_old_entries_have_no_note_for_the_buyer(old: OldDatabase) -> None:
    assert old.rows("SELECT DISTINCT buyer_note FROM distribution_ledgerentry") == [(None,)]


def test_old_entries_cannot_be_changed_afterwards(old: OldDatabase) -> None:
    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
        old.rows("UPDATE distribution_ledgerentry SET other_account = 'card_clearing' RETURNING 1")


def test_constraints_are_validated(old: OldDatabase) -> None:
    unvalidated = (
        "SELECT conname FROM pg_constraint WHERE NOT convalidated AND conname ~ '^(ledger|payable)_'"
    )
    assert old.rows(unvalidated) == []


def test_migration_can_be_reversed_and_repeated(old: OldDatabase) -> None:
    old.migrate("distribution", "0058")
    assert old.rows("SELECT count(*)::int FROM distribution_ledgerentry") == [(6_017,)]
    old.migrate()
    assert old.rows(COUNT) == SIDES
