"""Invariants 2, 4 and 5 for offers.

A lead is offered exactly while it has an open offer. Each claim is a sale to its buyer at the price that it was shown,
within the time of the offer and its places. The trace says when an offer closed, unless the lead ended otherwise.
"""

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
    WHEN count(b.claimed_at) > o.max_buyers THEN format(
        'has an offer for %%s buyers, but %%s claimed it', o.max_buyers, count(b.claimed_at))
    ELSE 'has a claim whose sale is of another lead or buyer' END AS message
FROM distribution_offer o
LEFT JOIN distribution_offerbuyer b ON b.offer_id = o.id AND b.claimed_at IS NOT NULL
LEFT JOIN distribution_assignment a ON a.id = b.assignment_id AND a.lead_id = o.lead_id AND a.buyer_id = b.buyer_id
WHERE {in_leads("o.lead_id")}
GROUP BY o.id HAVING o.claims <> count(b.claimed_at) OR count(b.claimed_at) <> count(a.id)
    OR count(b.claimed_at) > o.max_buyers
"""  # noqa: S608 - only a condition is put in

CLAIM_FITS_ITS_OFFER: Final = f"""
SELECT 'lead ' || o.lead_id AS subject, CASE
    WHEN a.price_cents IS DISTINCT FROM b.price_cents THEN format(
        'was shown to buyer %%s for %%s cents, but its claim cost %%s', b.buyer_id, b.price_cents, a.price_cents)
    WHEN b.claimed_at < b.visible_at THEN format('was claimed by buyer %%s before it was shown', b.buyer_id)
    ELSE format('was claimed by buyer %%s after its offer had closed', b.buyer_id) END AS message
FROM distribution_offer o
JOIN distribution_offerbuyer b ON b.offer_id = o.id AND b.claimed_at IS NOT NULL
JOIN distribution_assignment a ON a.id = b.assignment_id
WHERE {in_leads("o.lead_id")} AND o.kind = 'ping_post' AND (
    a.price_cents IS DISTINCT FROM b.price_cents OR b.claimed_at < b.visible_at OR b.claimed_at >= o.closes_at
    OR b.claimed_at > o.closed_at
)
"""  # noqa: S608 - only a condition is put in

SALE_BY_CLAIM_HAS_ITS_PLACE: Final = f"""
SELECT 'assignment ' || d.id AS subject, 'was sold by a claim, but no offer has the claim' AS message
FROM distribution_assignment d JOIN tracing_attempt a ON a.id = d.attempt_id
WHERE {in_leads("d.lead_id")} AND a.trigger = 'claim' AND NOT EXISTS (
    SELECT FROM distribution_offerbuyer b JOIN distribution_offer o ON o.id = b.offer_id
    WHERE b.assignment_id = d.id AND b.claimed_at IS NOT NULL AND o.lead_id = d.lead_id
)
"""  # noqa: S608 - only a condition is put in

# A lead that is canceled or expires ends its offer without an attempt. Attempts that were removed say nothing.
CLOSING_IS_TRACED: Final = f"""
SELECT 'lead ' || o.lead_id AS subject,
    format('has a closed offer (%%s), but no event of its end', o.end_reason) AS message
FROM distribution_offer o JOIN tracing_attempt opened ON opened.id = o.attempt_id
WHERE {in_leads("o.lead_id")} AND o.state = 'closed' AND o.end_reason <> 'canceled' AND NOT EXISTS (
    SELECT FROM tracing_attempt a JOIN tracing_leaddistributionevent e ON e.attempt_id = a.id
    WHERE a.lead_id = o.lead_id AND a.trigger IN ('claim', 'offer_closed')
        AND e.event = CASE o.kind WHEN 'auction' THEN 'auction_closed' ELSE 'ping_post_closed' END
        AND e.data ->> 'offer' = o.public_id::text
)
"""  # noqa: S608 - only a condition is put in


def check_due(part: Slice, findings: Findings) -> None:
    search(findings, OFFERED_HAS_OPEN_OFFER, part)


def check_claims(part: Slice, findings: Findings) -> None:
    for sql in (CLAIMS_ARE_SALES, CLAIM_FITS_ITS_OFFER, SALE_BY_CLAIM_HAS_ITS_PLACE):
        search(findings, sql, part)


def check_events(part: Slice, findings: Findings) -> None:
    search(findings, CLOSING_IS_TRACED, part)
