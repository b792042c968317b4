"""Invariant 1: every balance is the sum of its entries, none is below its limit, and every cause counts once.

What a wallet holds is the sum of its open holds, by its entries and by the assignments that wait for an answer.

A limit on the leads does not narrow this check, because a sum needs all its parts. An incremental run sums each touched
wallet in full.
"""

from typing import Final

from distribution.verify.findings import Findings
from distribution.verify.reading import count, search
from distribution.verify.slices import Slice, in_wallets

CHECKED: Final = f"""
SELECT (SELECT count(*) FROM distribution_wallet WHERE {in_wallets("id")})
    + (SELECT count(*) FROM distribution_ledgerentry WHERE {in_wallets("wallet_id")})
"""  # noqa: S608 - only conditions are put in

BALANCE_IS_SUM: Final = f"""
SELECT 'wallet ' || w.id AS subject,
    format('balance is %%s cents, but its entries sum to %%s', w.balance_cents, COALESCE(e.total, 0)) AS message
FROM distribution_wallet w
LEFT JOIN (
    SELECT wallet_id, SUM(amount_cents) AS total FROM distribution_ledgerentry
    WHERE kind NOT IN ('hold', 'release') AND {in_wallets("wallet_id")} GROUP BY wallet_id
) e ON e.wallet_id = w.id
WHERE w.balance_cents <> COALESCE(e.total, 0) AND {in_wallets("w.id")}
"""  # noqa: S608 - only conditions are put in

# Entries are written under the wallet's row lock, so ids follow the order of the movements.
RUNNING_SUM: Final = f"""
SELECT 'ledger entry ' || id AS subject,
    format('balance after it is %%s cents, but entries up to it sum to %%s', balance_after_cents, running) AS message
FROM (
    SELECT id, balance_after_cents,
        SUM(CASE WHEN kind IN ('hold', 'release') THEN 0 ELSE amount_cents END)
            OVER (PARTITION BY wallet_id ORDER BY id) AS running
    FROM distribution_ledgerentry WHERE {in_wallets("wallet_id")}
) summed
WHERE balance_after_cents <> running
"""  # noqa: S608 - only conditions are put in

HELD_IS_SUM: Final = f"""
SELECT 'wallet ' || w.id AS subject,
    format('%%s cents are held, but its entries hold %%s and its open holds are %%s', w.held_cents,
        COALESCE(e.total, 0), COALESCE(d.total, 0)) AS message
FROM distribution_wallet w
LEFT JOIN (
    SELECT wallet_id,
        SUM(CASE kind WHEN 'capture' THEN amount_cents - released_cents ELSE -amount_cents END) AS total
    FROM distribution_ledgerentry
    WHERE kind IN ('hold', 'capture', 'release') AND {in_wallets("wallet_id")} GROUP BY wallet_id
) e ON e.wallet_id = w.id
LEFT JOIN (
    SELECT buyer_id, SUM(price_cents) AS total FROM distribution_assignment
    WHERE state = 'held' AND NOT is_test GROUP BY buyer_id
) d ON d.buyer_id = w.buyer_id
WHERE {in_wallets("w.id")}
    AND (w.held_cents <> COALESCE(e.total, 0) OR w.held_cents <> COALESCE(d.total, 0))
"""  # noqa: S608 - only conditions are put in

NOT_BELOW_LIMIT: Final = """
SELECT 'wallet ' || id AS subject,
    format('balance %%s minus held %%s is below the limit of -%%s cents', balance_cents, held_cents,
        credit_limit_cents + charged_back_cents) AS message
FROM distribution_wallet
WHERE balance_cents - held_cents < -credit_limit_cents - charged_back_cents OR held_cents < 0
"""

ONE_WALLET_EACH: Final = """
SELECT 'buyer ' || b.id AS subject, 'has no wallet' AS message
FROM distribution_buyer b
WHERE NOT EXISTS (SELECT 1 FROM distribution_wallet w WHERE w.buyer_id = b.id)
"""

KEYS_ONCE: Final = f"""
SELECT 'ledger entry ' || min(id) AS subject, format('its cause is recorded %%s times', count(*)) AS message
FROM (SELECT DISTINCT idempotency_key FROM distribution_ledgerentry WHERE {in_wallets("wallet_id")}) causes
JOIN distribution_ledgerentry USING (idempotency_key)
GROUP BY idempotency_key HAVING count(*) > 1
"""  # noqa: S608 - only a condition is put in

REFUNDS_WITHIN_CHARGE: Final = f"""
SELECT 'assignment ' || assignment_id AS subject,
    format('%%s cents were charged, but %%s were refunded', charged, refunded) AS message
FROM (
    SELECT assignment_id,
        COALESCE(SUM(-amount_cents) FILTER (WHERE kind IN ('charge', 'capture')), 0) AS charged,
        COALESCE(SUM(amount_cents) FILTER (WHERE kind = 'refund'), 0) AS refunded
    FROM (
        SELECT DISTINCT assignment_id FROM distribution_ledgerentry
        WHERE assignment_id IS NOT NULL AND {in_wallets("wallet_id")}
    ) sold
    JOIN distribution_ledgerentry USING (assignment_id)
    GROUP BY assignment_id
) sums
WHERE refunded > charged
"""  # noqa: S608 - only a condition is put in


def check(part: Slice, findings: Findings) -> None:
    findings.checked = count(CHECKED, part)
    for sql in (
        BALANCE_IS_SUM,
        RUNNING_SUM,
        HELD_IS_SUM,
        NOT_BELOW_LIMIT,
        ONE_WALLET_EACH,
        KEYS_ONCE,
        REFUNDS_WITHIN_CHARGE,
    ):
        search(findings, sql, part)
