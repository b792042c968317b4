"""Invariant 3: each assignment has exactly one charge, to its buyer at its price, and each return a full refund.

A test sale has none, and exactly the sales of test leads are test sales.
"""

from typing import Final

from distribution.verify.findings import Findings
from distribution.verify.reading import count, search
from distribution.verify.slices import Slice, in_leads, in_wallets

CHECKED: Final = f"SELECT count(*) FROM distribution_assignment WHERE {in_leads('lead_id')}"  # noqa: S608 - only a condition is put in

EACH_CHARGED_ONCE: Final = f"""
SELECT 'assignment ' || d.id AS subject,
    CASE WHEN count(e.id) = 0 THEN 'was never charged'
        WHEN count(e.id) > 1 THEN format('was charged %%s times', count(e.id))
        WHEN MIN(w.buyer_id) <> d.buyer_id THEN format(
            'was sold to buyer %%s, but buyer %%s was charged', d.buyer_id, MIN(w.buyer_id))
        ELSE format('costs %%s cents, but %%s were charged', d.price_cents, MIN(-e.amount_cents)) END AS message
FROM distribution_assignment d
LEFT JOIN distribution_ledgerentry e ON e.assignment_id = d.id AND e.kind IN ('charge', 'capture')
LEFT JOIN distribution_wallet w ON w.id = e.wallet_id
WHERE NOT d.is_test AND {in_leads("d.lead_id")}
GROUP BY d.id
HAVING count(e.id) <> 1 OR MIN(-e.amount_cents) <> d.price_cents OR MIN(w.buyer_id) <> d.buyer_id
"""  # noqa: S608 - only conditions are put in

EACH_CHARGE_ASSIGNED: Final = f"""
SELECT 'ledger entry ' || e.id AS subject, 'is a charge without an assignment' AS message
FROM distribution_ledgerentry e
LEFT JOIN distribution_assignment d ON d.id = e.assignment_id
WHERE e.kind IN ('charge', 'capture') AND d.id IS NULL AND {in_wallets("e.wallet_id")}
"""  # noqa: S608 - only conditions are put in

RETURNED_IS_REFUNDED: Final = f"""
SELECT 'assignment ' || d.id AS subject,
    format('was returned, but %%s of %%s cents were refunded', COALESCE(SUM(e.amount_cents), 0), d.price_cents)
        AS message
FROM distribution_assignment d
LEFT JOIN distribution_ledgerentry e ON e.assignment_id = d.id AND e.kind = 'refund'
WHERE d.state = 'returned' AND NOT d.is_test AND {in_leads("d.lead_id")}
GROUP BY d.id
HAVING COALESCE(SUM(e.amount_cents), 0) <> d.price_cents
"""  # noqa: S608 - only conditions are put in

TEST_MOVED_NO_MONEY: Final = f"""
SELECT 'ledger entry ' || e.id AS subject, format('is a %%s for a test sale', e.kind) AS message
FROM distribution_assignment d JOIN distribution_ledgerentry e ON e.assignment_id = d.id
WHERE d.is_test AND {in_leads("d.lead_id")}
"""  # noqa: S608 - only a condition is put in

TEST_IS_OF_TEST_LEAD: Final = f"""
SELECT 'assignment ' || d.id AS subject,
    CASE WHEN d.is_test THEN 'is a test sale of a real lead' ELSE 'is a real sale of a test lead' END AS message
FROM distribution_assignment d JOIN routing_lead l ON l.id = d.lead_id
WHERE d.is_test <> l.is_test AND {in_leads("d.lead_id")}
"""  # noqa: S608 - only a condition is put in

REFUND_TO_BUYER_OF_SALE: Final = f"""
SELECT 'ledger entry ' || e.id AS subject, format('refunds buyer %%s, who did not buy the lead', w.buyer_id) AS message
FROM distribution_ledgerentry e
JOIN distribution_wallet w ON w.id = e.wallet_id
LEFT JOIN distribution_assignment d ON d.id = e.assignment_id
WHERE e.kind = 'refund' AND w.buyer_id IS DISTINCT FROM d.buyer_id AND {in_wallets("e.wallet_id")}
"""  # noqa: S608 - only conditions are put in


def check_sales(part: Slice, findings: Findings) -> None:
    findings.checked = count(CHECKED, part)
    search(findings, EACH_CHARGED_ONCE, part)
    search(findings, RETURNED_IS_REFUNDED, part)
    search(findings, TEST_MOVED_NO_MONEY, part)
    search(findings, TEST_IS_OF_TEST_LEAD, part)


def check_entries(part: Slice, findings: Findings) -> None:
    search(findings, EACH_CHARGE_ASSIGNED, part)
    search(findings, REFUND_TO_BUYER_OF_SALE, part)
