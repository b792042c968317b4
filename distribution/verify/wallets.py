"""Invariant 1: every balance is explained by its entries, none is under its limit, every cause counts once.

A limit on the leads does not narrow this check: a sum needs all its parts.
"""

from typing import Final

from distribution.verify.findings import Findings, Scope
from distribution.verify.reading import count, search

CHECKED: Final = (
    "SELECT (SELECT count(*) FROM distribution_wallet) + (SELECT count(*) FROM distribution_ledgerentry)"
)

BALANCE_IS_SUM: Final = """
SELECT 'wallet ' || w.id AS subject,
    format('balance %%s cents, its entries sum to %%s', w.balance_cents, COALESCE(e.total, 0)) AS message
FROM distribution_wallet w
LEFT JOIN (
    SELECT wallet_id, SUM(amount_cents) AS total FROM distribution_ledgerentry
    WHERE kind NOT IN ('hold', 'release') GROUP BY wallet_id
) e ON e.wallet_id = w.id
WHERE w.balance_cents <> COALESCE(e.total, 0)
"""

# Entries are written under the wallet's row lock, so ids follow the order of the movements.
RUNNING_SUM: Final = """
SELECT 'ledger entry ' || id AS subject,
    format('balance after it %%s cents, the entries up to it sum to %%s', balance_after_cents, running) AS message
FROM (
    SELECT id, balance_after_cents,
        SUM(CASE WHEN kind IN ('hold', 'release') THEN 0 ELSE amount_cents END)
            OVER (PARTITION BY wallet_id ORDER BY id) AS running
    FROM distribution_ledgerentry
) summed
WHERE balance_after_cents <> running
"""

NOT_BELOW_LIMIT: Final = """
SELECT 'wallet ' || id AS subject,
    format('balance %%s less held %%s is under the limit of -%%s cents', balance_cents, held_cents, credit_limit_cents)
        AS message
FROM distribution_wallet
WHERE balance_cents - held_cents < -credit_limit_cents OR held_cents < 0
"""

ONE_WALLET_EACH: Final = """
SELECT 'buyer ' || b.id AS subject, 'has no wallet' AS message
FROM distribution_buyer b
WHERE NOT EXISTS (SELECT 1 FROM distribution_wallet w WHERE w.buyer_id = b.id)
"""

KEYS_ONCE: Final = """
SELECT 'ledger entry ' || min(id) AS subject, format('its cause is booked %%s times', count(*)) AS message
FROM distribution_ledgerentry GROUP BY idempotency_key HAVING count(*) > 1
"""

REFUNDS_WITHIN_CHARGE: Final = """
SELECT 'assignment ' || assignment_id AS subject,
    format('charged %%s cents, refunded %%s', charged, refunded) AS message
FROM (
    SELECT assignment_id,
        COALESCE(SUM(-amount_cents) FILTER (WHERE kind IN ('charge', 'capture')), 0) AS charged,
        COALESCE(SUM(amount_cents) FILTER (WHERE kind = 'refund'), 0) AS refunded
    FROM distribution_ledgerentry
    WHERE assignment_id IS NOT NULL
    GROUP BY assignment_id
) sums
WHERE refunded > charged
"""


def check(scope: Scope, findings: Findings) -> None:
    findings.checked = count(CHECKED, scope)
    for sql in (
        BALANCE_IS_SUM,
        RUNNING_SUM,
        NOT_BELOW_LIMIT,
        ONE_WALLET_EACH,
        KEYS_ONCE,
        REFUNDS_WITHIN_CHARGE,
    ):
        search(findings, sql, scope)
