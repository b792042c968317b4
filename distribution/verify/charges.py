"""Invariant 3: each assignment has exactly one charge, to its buyer at its price, and each return a full refund.

A price that is or was held has one hold, which ends exactly once: captured if the lead is sold, released if the buyer's
system rejected it. A test sale has no charge, and exactly the sales of test leads are test sales.
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
WHERE NOT d.is_test AND {in_leads("d.lead_id")} AND d.state NOT IN ('held', 'rejected')
GROUP BY d.id
HAVING count(e.id) <> 1 OR MIN(-e.amount_cents) <> d.price_cents OR MIN(w.buyer_id) <> d.buyer_id
"""  # noqa: S608 - only conditions are put in

# The expected entries follow from the state alone. A sale without a hold was charged at once.
HOLDS_END_ONCE: Final = f"""
WITH moved AS (
    SELECT d.id, d.state, d.settled_at, d.price_cents,
        count(*) FILTER (WHERE e.kind = 'hold') AS holds, count(*) FILTER (WHERE e.kind = 'capture') AS captures,
        count(*) FILTER (WHERE e.kind = 'release') AS releases, count(*) FILTER (WHERE e.kind = 'charge') AS charges,
        bool_and(w.buyer_id = d.buyer_id) FILTER (WHERE e.kind <> 'refund') AS is_of_buyer,
        bool_and(abs(e.amount_cents) = d.price_cents + (
            SELECT COALESCE(SUM(c.released_cents), 0) FROM distribution_ledgerentry c
            WHERE c.assignment_id = d.id AND c.kind = 'capture'
        )) FILTER (WHERE e.kind IN ('hold', 'release')) AS is_at_price
    FROM distribution_assignment d
    LEFT JOIN distribution_ledgerentry e ON e.assignment_id = d.id
    LEFT JOIN distribution_wallet w ON w.id = e.wallet_id
    WHERE NOT d.is_test AND {in_leads("d.lead_id")}
    GROUP BY d.id
), judged AS (
    SELECT id, CASE
        WHEN state IN ('held', 'rejected') AND charges + captures > 0 THEN format('is %%s, but was charged', state)
        WHEN state IN ('held', 'rejected') AND holds <> 1 THEN format('is %%s, but has %%s holds', state, holds)
        WHEN releases <> (state = 'rejected')::int
            THEN format('is %%s, but its hold was released %%s times', state, releases)
        WHEN state IN ('sold', 'returned') AND captures <> holds
            THEN format('has %%s holds, but %%s captures', holds, captures)
        WHEN (settled_at IS NULL) <> (holds = 0 OR state = 'held')
            THEN 'has a state that does not fit the end of its hold'
        WHEN holds > 0 AND NOT is_of_buyer THEN 'has a hold in the wallet of another buyer'
        WHEN NOT is_at_price THEN format('costs %%s cents, but its hold has another amount', price_cents)
    END AS message
    FROM moved
)
SELECT 'assignment ' || id AS subject, message FROM judged WHERE message IS NOT NULL
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
    search(findings, HOLDS_END_ONCE, part)
    search(findings, RETURNED_IS_REFUNDED, part)
    search(findings, TEST_MOVED_NO_MONEY, part)
    search(findings, TEST_IS_OF_TEST_LEAD, part)


def check_entries(part: Slice, findings: Findings) -> None:
    search(findings, EACH_CHARGE_ASSIGNED, part)
    search(findings, REFUND_TO_BUYER_OF_SALE, part)
