"""Compares what the buyers were answered with the tables at the end. It uses none of the product's own checks."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.chaos.findings import Findings
from tests.chaos.offers.buyers import Books
from tests.chaos.playing import CHARGED_ONCE, WALLETS, check_tables, read_rows

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
    **CHARGED_ONCE,
    **WALLETS,
}
SALES: Final = """
SELECT o.public_id::text, b.buyer_id, a.public_id::text FROM distribution_offerbuyer b
JOIN distribution_offer o ON o.id = b.offer_id JOIN distribution_assignment a ON a.id = b.assignment_id
WHERE b.claimed_at IS NOT NULL AND a.state = 'sold'
"""


def examine(findings: Findings, *, books: Books) -> None:
    check_tables(findings, CHECKS)
    for check, example in compare(books):
        findings.add(check, 1, example)
    findings.add("claims answered wrongly", len(books.broken), "".join(books.broken[:1]))


def compare(books: Books) -> Iterator[tuple[str, str]]:
    """The answers against the sales, claim by claim."""
    sales = {(str(offer), int(str(buyer))): str(sale) for offer, buyer, sale in read_rows(SALES)}
    for claim, sale in books.won.items():
        if sales.get(claim) != sale:
            yield "claims answered with a sale that is not in the tables", f"offer {claim[0]}"
    for claim in sales.keys() - books.won.keys():
        yield "sales that were not answered to the buyer", f"offer {claim[0]}"
    for claim in sales.keys() & books.refused.keys():
        yield "claims that were refused and sold", f"offer {claim[0]}: {books.refused[claim]}"
