"""Compares what the buyers were answered with the tables at the end. It uses none of the product's own checks."""

from collections.abc import Iterator, Mapping
from typing import Final

from django.db import connection

from tests.chaos.findings import Findings
from tests.chaos.offers.buyers import Books

# Each statement finds rows that must not exist: the finding -> SQL with one column, an example.
CHECKS: Final[Mapping[str, str]] = {
    "offers without an end": "SELECT 'offer ' || id FROM distribution_offer WHERE state = 'open' OR end_reason = ''",
    "offers whose end is in the trace not once": """
        SELECT 'offer ' || o.id FROM distribution_offer o
        LEFT JOIN tracing_leaddistributionevent e ON e.lead_id = o.lead_id AND e.event = 'ping_post_closed'
        GROUP BY o.id HAVING count(e.lead_id) <> 1
    """,
    "leads without an end": "SELECT 'lead ' || id FROM routing_lead WHERE finished_at IS NULL",
    "leads with more than one offer": """
        SELECT 'lead ' || lead_id FROM distribution_offer GROUP BY lead_id HAVING count(*) > 1
    """,
    "leads sold more often than they have places": """
        SELECT 'lead ' || a.lead_id FROM distribution_assignment a
        JOIN distribution_campaign c ON c.id = a.campaign_id
        WHERE a.state = 'sold' GROUP BY a.lead_id, c.max_buyers HAVING count(*) > c.max_buyers
    """,
    "sales that were not charged once, at their price, to their buyer": """
        SELECT 'assignment ' || a.id FROM distribution_assignment a
        LEFT JOIN distribution_ledgerentry e ON e.assignment_id = a.id AND e.kind IN ('charge', 'capture')
        LEFT JOIN distribution_wallet w ON w.id = e.wallet_id AND w.buyer_id = a.buyer_id
        WHERE a.state = 'sold'
        GROUP BY a.id HAVING count(e.id) <> 1 OR count(w.id) <> 1 OR sum(-e.amount_cents) <> a.price_cents
    """,
    "charges for leads that were not sold": """
        SELECT 'entry ' || e.id FROM distribution_ledgerentry e
        LEFT JOIN distribution_assignment a ON a.id = e.assignment_id
        WHERE e.kind IN ('charge', 'capture') AND a.state IS DISTINCT FROM 'sold'
    """,
    "wallets that hold money, or differ from what was sold": """
        SELECT 'wallet ' || w.id FROM distribution_wallet w
        JOIN distribution_ledgerentry t ON t.wallet_id = w.id AND t.kind = 'topup'
        LEFT JOIN distribution_assignment a ON a.buyer_id = w.buyer_id AND a.state = 'sold'
        GROUP BY w.id, t.amount_cents
        HAVING w.held_cents <> 0 OR w.balance_cents <> t.amount_cents - coalesce(sum(a.price_cents), 0)
    """,
}
SALES: Final = """
SELECT o.public_id::text, b.buyer_id, a.public_id::text FROM distribution_offerbuyer b
JOIN distribution_offer o ON o.id = b.offer_id JOIN distribution_assignment a ON a.id = b.assignment_id
WHERE b.claimed_at IS NOT NULL AND a.state = 'sold'
"""


def examine(findings: Findings, *, books: Books) -> None:
    for check, sql in CHECKS.items():
        rows = _read(sql)
        findings.add(check, len(rows), str(rows[0][0]) if rows else "")
    for check, example in compare(books):
        findings.add(check, 1, example)
    findings.add("claims answered wrongly", len(books.broken), "".join(books.broken[:1]))


def compare(books: Books) -> Iterator[tuple[str, str]]:
    """The answers against the sales, claim by claim."""
    sales = {(str(offer), int(str(buyer))): str(sale) for offer, buyer, sale in _read(SALES)}
    for claim, sale in books.won.items():
        if sales.get(claim) != sale:
            yield "claims answered with a sale that is not in the tables", f"offer {claim[0]}"
    for claim in sales.keys() - books.won.keys():
        yield "sales of which the buyer was not told", f"offer {claim[0]}"
    for claim in sales.keys() & books.refused.keys():
        yield "claims that were refused and sold", f"offer {claim[0]}: {books.refused[claim]}"


def _read(sql: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows: list[tuple[object, ...]] = cursor.fetchall()
        return rows
