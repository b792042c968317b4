"""Invariant 11: each approved return has its own refund, and the states of return and assignment fit."""

from typing import Final

from distribution.verify.findings import Findings
from distribution.verify.reading import count, search
from distribution.verify.slices import Slice, in_leads

CHECKED: Final = f"SELECT count(*) FROM distribution_returnrequest WHERE {in_leads('lead_id')}"  # noqa: S608 - only a condition is put in

REFUND_FITS: Final = f"""
SELECT 'return ' || r.id AS subject,
    CASE WHEN r.refund_cents > 0 AND e.id IS NULL THEN 'was approved, but has no refund'
        WHEN e.kind <> 'refund' OR e.assignment_id IS DISTINCT FROM r.assignment_id
            THEN format('names ledger entry %%s, which is no refund of its assignment', e.id)
        ELSE format('refunded %%s cents, but its ledger entry has %%s', r.refund_cents, e.amount_cents) END AS message
FROM distribution_returnrequest r
LEFT JOIN distribution_ledgerentry e ON e.id = r.refund_id
WHERE {in_leads("r.lead_id")} AND r.state = 'approved' AND (
    (r.refund_cents > 0 AND e.id IS NULL)
    OR (e.id IS NOT NULL AND (
        e.kind <> 'refund' OR e.assignment_id IS DISTINCT FROM r.assignment_id OR e.amount_cents <> r.refund_cents
    ))
)
"""  # noqa: S608 - only a condition is put in

NOT_REFUNDED_UNLESS_APPROVED: Final = f"""
SELECT 'return ' || r.id AS subject, format('is %%s, but has a refund', r.state) AS message
FROM distribution_returnrequest r
WHERE {in_leads("r.lead_id")} AND r.state <> 'approved' AND (r.refund_id IS NOT NULL OR r.refund_cents IS NOT NULL)
"""  # noqa: S608 - only a condition is put in

STATE_OF_SALE_FITS: Final = f"""
SELECT 'return ' || r.id AS subject,
    CASE WHEN r.state = 'requested' THEN format('waits for review, but its assignment is %%s', d.state)
        ELSE format('took the lead back, but its assignment is %%s', d.state) END AS message
FROM distribution_returnrequest r
JOIN distribution_assignment d ON d.id = r.assignment_id
WHERE {in_leads("r.lead_id")} AND (
    (r.state = 'requested' AND d.state <> 'sold') OR (r.state = 'approved' AND r.is_full AND d.state <> 'returned')
)
"""  # noqa: S608 - only a condition is put in

KEPT_FOR_NOTHING: Final = f"""
SELECT 'return ' || r.id AS subject, 'left the lead with the buyer, but all of its charge is refunded' AS message
FROM distribution_returnrequest r
JOIN distribution_assignment d ON d.id = r.assignment_id
WHERE {in_leads("r.lead_id")} AND r.state = 'approved' AND NOT r.is_full AND d.state = 'sold' AND d.price_cents <= (
    SELECT COALESCE(SUM(e.amount_cents), 0) FROM distribution_ledgerentry e
    WHERE e.assignment_id = d.id AND e.kind = 'refund'
)
"""  # noqa: S608 - only a condition is put in


def check(part: Slice, findings: Findings) -> None:
    findings.checked = count(CHECKED, part)
    search(findings, REFUND_FITS, part)
    search(findings, NOT_REFUNDED_UNLESS_APPROVED, part)
    search(findings, STATE_OF_SALE_FITS, part)
    search(findings, KEPT_FOR_NOTHING, part)
