"""Invariant 3: charges and assignments belong together one to one, and a returned one was paid back."""

from typing import Final

from distribution.verify.findings import Findings, Scope
from distribution.verify.reading import count, search

CHECKED: Final = "SELECT count(*) FROM distribution_assignment WHERE lead_id >= %(from_lead)s"

EACH_CHARGED_ONCE: Final = """
SELECT 'assignment ' || d.id AS subject,
    CASE WHEN count(e.id) = 0 THEN 'was never charged'
        WHEN count(e.id) > 1 THEN format('was charged %%s times', count(e.id))
        WHEN MIN(w.buyer_id) <> d.buyer_id THEN format('was charged to buyer %%s', MIN(w.buyer_id))
        ELSE format('costs %%s cents, %%s were charged', d.price_cents, MIN(-e.amount_cents)) END AS message
FROM distribution_assignment d
LEFT JOIN distribution_ledgerentry e ON e.assignment_id = d.id AND e.kind IN ('charge', 'capture')
LEFT JOIN distribution_wallet w ON w.id = e.wallet_id
WHERE d.lead_id >= %(from_lead)s
GROUP BY d.id
HAVING count(e.id) <> 1 OR MIN(-e.amount_cents) <> d.price_cents OR MIN(w.buyer_id) <> d.buyer_id
"""

EACH_CHARGE_ASSIGNED: Final = """
SELECT 'ledger entry ' || e.id AS subject, 'charges for no assignment' AS message
FROM distribution_ledgerentry e
LEFT JOIN distribution_assignment d ON d.id = e.assignment_id
WHERE e.kind IN ('charge', 'capture') AND d.id IS NULL
"""

RETURNED_IS_REFUNDED: Final = """
SELECT 'assignment ' || d.id AS subject,
    format('was returned, %%s of %%s cents were refunded', COALESCE(SUM(e.amount_cents), 0), d.price_cents) AS message
FROM distribution_assignment d
LEFT JOIN distribution_ledgerentry e ON e.assignment_id = d.id AND e.kind = 'refund'
WHERE d.state = 'returned' AND d.lead_id >= %(from_lead)s
GROUP BY d.id
HAVING COALESCE(SUM(e.amount_cents), 0) <> d.price_cents
"""

REFUND_TO_WHO_PAID: Final = """
SELECT 'ledger entry ' || e.id AS subject, format('refunds buyer %%s, who did not pay', w.buyer_id) AS message
FROM distribution_ledgerentry e
JOIN distribution_wallet w ON w.id = e.wallet_id
LEFT JOIN distribution_assignment d ON d.id = e.assignment_id
WHERE e.kind = 'refund' AND w.buyer_id IS DISTINCT FROM d.buyer_id
"""


def check(scope: Scope, findings: Findings) -> None:
    findings.checked = count(CHECKED, scope)
    for sql in (EACH_CHARGED_ONCE, EACH_CHARGE_ASSIGNED, RETURNED_IS_REFUNDED, REFUND_TO_WHO_PAID):
        search(findings, sql, scope)
