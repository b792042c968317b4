"""Compares what the buyers' systems have with the tables at the end. It uses none of the product's own checks."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

from tests.chaos.findings import Findings
from tests.chaos.playing import CHARGED_ONCE, WALLETS, check_tables, read_rows
from tests.receivers.buyer import ACCEPT

# The message, and the sale that it asked for or delivered.
MESSAGES: Final = """
SELECT d.message_id, d.lead_id, e.buyer_id, d.is_direct_post, d.state, a.state, a.id
FROM distribution_delivery d JOIN distribution_endpoint e ON e.id = d.endpoint_id
JOIN distribution_assignment a ON a.id = d.assignment_id
"""
CHECKS: Final[Mapping[str, str]] = {
    "exclusive leads sold to two buyers": """
        SELECT 'lead ' || a.lead_id FROM distribution_assignment a
        JOIN distribution_campaign c ON c.id = a.campaign_id AND c.max_buyers = 1
        WHERE a.state = 'sold' GROUP BY a.lead_id HAVING count(*) > 1
    """,
    **CHARGED_ONCE,
    **WALLETS,
    "sales without a message": """
        SELECT 'assignment ' || a.id FROM distribution_assignment a
        WHERE NOT EXISTS (SELECT FROM distribution_delivery d WHERE d.assignment_id = a.id)
    """,
    "sales with two messages": """
        SELECT 'assignment ' || assignment_id FROM distribution_delivery GROUP BY assignment_id HAVING count(*) > 1
    """,
    "leads that are still asked for": "SELECT 'lead ' || id FROM routing_lead WHERE status = 'posting'",
    "tries without an outcome": "SELECT 'try ' || id FROM distribution_deliverytry WHERE outcome = ''",
}


def examine(findings: Findings, *, verdicts: Mapping[UUID, str]) -> None:
    check_tables(findings, CHECKS)
    for check, examples in compare(verdicts).items():
        findings.add(check, len(examples), examples[0])


def compare(verdicts: Mapping[UUID, str]) -> Mapping[str, list[str]]:
    """Compare the verdicts with the sales, message by message."""
    found: dict[str, list[str]] = defaultdict(list)
    buyers: dict[int, set[int]] = defaultdict(set)
    known = set()
    for message_id, lead_id, buyer_id, is_direct, state, sale, assignment_id in read_rows(MESSAGES):
        known.add(message_id)
        if not is_direct:
            continue
        is_accepted = verdicts.get(message_id) == ACCEPT
        if is_accepted:
            buyers[lead_id].add(buyer_id)
        for check in _judge(is_accepted=is_accepted, state=state, sale=sale):
            found[check].append(f"assignment {assignment_id}")
    found["exclusive leads that two buyers accepted"] = [
        f"lead {lead_id}" for lead_id, accepted in buyers.items() if len(accepted) > 1
    ]
    found["messages that no table knows"] = [str(each) for each in verdicts.keys() - known]
    return {check: examples for check, examples in found.items() if examples}


def _judge(*, is_accepted: bool, state: str, sale: str) -> Iterator[str]:
    if is_accepted and sale != "sold":
        yield "leads that a buyer accepted and that were not sold to it"
    if not is_accepted and sale == "sold":
        yield "leads sold to a buyer that did not accept them"
    if (state == "accepted") != (sale == "sold"):
        yield "messages whose end is not the end of the sale"
