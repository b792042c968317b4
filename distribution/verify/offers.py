"""Invariants 2 and 4 for offers: a lead is offered exactly while it has an open offer, and claims are sales."""

from typing import Final

from distribution.verify.findings import Findings
from distribution.verify.reading import search
from distribution.verify.slices import Slice, in_leads

OFFERED_HAS_OPEN_OFFER: Final = f"""
SELECT 'lead ' || l.id AS subject, CASE
    WHEN o.id IS NULL THEN 'is offered, but has no open offer'
    WHEN l.status <> 'offered' THEN format('is %%s, but has an open offer', l.status)
    ELSE 'is offered, but is not due when its offer closes' END AS message
FROM routing_lead l LEFT JOIN distribution_offer o ON o.lead_id = l.id AND o.state = 'open'
WHERE {in_leads("l.id")} AND (
    (l.status = 'offered') <> (o.id IS NOT NULL)
    -- An attempt that closes the offer and fails is tried again later.
    -- An auction ends when all bids are in.
    OR (l.status = 'offered' AND o.kind <> 'auction' AND l.next_attempt_at < o.closes_at)
)
"""  # noqa: S608 - only conditions are put in

CLAIMS_ARE_SALES: Final = f"""
SELECT 'lead ' || o.lead_id AS subject, CASE
    WHEN o.claims <> count(b.claimed_at) THEN format(
        'has an offer with %%s claims, but %%s buyers claimed it', o.claims, count(b.claimed_at))
    ELSE 'has a claim whose sale is of another lead or buyer' END AS message
FROM distribution_offer o
LEFT JOIN distribution_offerbuyer b ON b.offer_id = o.id AND b.claimed_at IS NOT NULL
LEFT JOIN distribution_assignment a ON a.id = b.assignment_id AND a.lead_id = o.lead_id AND a.buyer_id = b.buyer_id
WHERE {in_leads("o.lead_id")}
GROUP BY o.id HAVING o.claims <> count(b.claimed_at) OR count(b.claimed_at) <> count(a.id)
"""  # noqa: S608 - only a condition is put in


def check_due(part: Slice, findings: Findings) -> None:
    search(findings, OFFERED_HAS_OPEN_OFFER, part)


def check_claims(part: Slice, findings: Findings) -> None:
    search(findings, CLAIMS_ARE_SALES, part)
