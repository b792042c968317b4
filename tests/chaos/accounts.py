"""Checks the tables at the end: leads sent, sold, charged and traced must agree.

It uses none of the product's own checks, so that a mistake in those cannot hide a mistake in the product.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db import connection

from tests.chaos.findings import Findings

# Each statement finds rows that must not exist: the finding -> SQL with one column, an example.
CHECKS: Final[Mapping[str, str]] = {
    "leads stored twice": """
        SELECT 'request ' || (attributes ->> 'number') FROM routing_lead
        GROUP BY attributes ->> 'number' HAVING count(*) > 1
    """,
    "leads that were not sent": """
        SELECT 'lead ' || id FROM routing_lead WHERE NOT (attributes ? 'number')
    """,
    "leads sold more often than their campaign allows": """
        SELECT 'lead ' || d.lead_id FROM distribution_assignment d JOIN distribution_campaign c ON c.id = d.campaign_id
        GROUP BY d.lead_id HAVING count(*) > min(c.max_buyers)
    """,
    "leads sold twice to one buyer": """
        SELECT 'lead ' || lead_id FROM distribution_assignment GROUP BY lead_id, buyer_id HAVING count(*) > 1
    """,
    "people sold twice": """
        SELECT 'request ' || (l.attributes ->> 'number') FROM routing_lead l
        WHERE EXISTS (SELECT FROM distribution_assignment d WHERE d.lead_id = l.id)
        GROUP BY l.attributes ->> 'number' HAVING count(*) > 1
    """,
    "leads whose status is not what was sold of them": """
        SELECT 'lead ' || l.id FROM routing_lead l
        WHERE (l.status = 'distributed') <> EXISTS (SELECT FROM distribution_assignment d WHERE d.lead_id = l.id)
    """,
    "assignments that were not charged once, at their price, to their buyer": """
        SELECT 'assignment ' || d.id FROM distribution_assignment d
        LEFT JOIN distribution_ledgerentry e ON e.assignment_id = d.id AND e.kind = 'charge'
        LEFT JOIN distribution_wallet w ON w.id = e.wallet_id AND w.buyer_id = d.buyer_id
        GROUP BY d.id HAVING count(e.id) <> 1 OR count(w.id) <> 1 OR sum(-e.amount_cents) <> d.price_cents
    """,
    "is a charge without an assignment": """
        SELECT 'entry ' || id FROM distribution_ledgerentry WHERE kind = 'charge' AND assignment_id IS NULL
    """,
    "wallets that differ from their entries, or are overdrawn": """
        SELECT 'wallet ' || w.id FROM distribution_wallet w LEFT JOIN distribution_ledgerentry e ON e.wallet_id = w.id
        GROUP BY w.id
        HAVING w.balance_cents <> coalesce(sum(e.amount_cents), 0) OR w.balance_cents < -w.credit_limit_cents
    """,
    "caps that were exceeded": """
        SELECT 'enrollment ' || e.id FROM distribution_enrollment e
        JOIN distribution_buyer b ON b.id = e.buyer_id JOIN distribution_assignment d ON d.enrollment_id = e.id
        GROUP BY e.id, date_trunc('day', d.created_at AT TIME ZONE b.timezone) HAVING count(*) > e.cap_day
    """,
    "leads sold outside a buyer's hours": """
        SELECT 'lead ' || d.lead_id FROM distribution_assignment d JOIN distribution_campaign c ON c.id = d.campaign_id
        WHERE c.name = 'closed'
    """,
    "leads with attempts missing from the trace": """
        SELECT 'lead ' || l.id FROM routing_lead l LEFT JOIN tracing_attempt a ON a.lead_id = l.id
        GROUP BY l.id HAVING count(a.id) <> l.attempts OR coalesce(max(a.number), 0) <> l.attempts
    """,
    "leads that are not as their last attempt says": """
        SELECT 'lead ' || l.id FROM routing_lead l
        JOIN tracing_attempt a ON a.lead_id = l.id AND a.number = l.attempts
        WHERE l.status <> CASE a.result WHEN 'success' THEN 'distributed' WHEN 'deferred' THEN 'pending'
            WHEN 'retry' THEN 'pending' WHEN 'duplicate' THEN 'duplicate' ELSE 'failed' END
            OR l.next_attempt_at IS DISTINCT FROM a.next_attempt_at
    """,
    "attempts after the one that sold": """
        SELECT 'lead ' || a.lead_id FROM tracing_attempt a
        JOIN tracing_attempt later ON later.lead_id = a.lead_id AND later.number > a.number
        WHERE a.result = 'success'
    """,
    "attempts of one lead that overlap": """
        SELECT 'lead ' || a.lead_id FROM tracing_attempt a
        JOIN tracing_attempt later ON later.lead_id = a.lead_id AND later.number > a.number
        WHERE later.started_at < a.started_at
    """,
    "attempts whose trace is not what they sold": """
        SELECT 'attempt ' || a.id FROM tracing_attempt a
        LEFT JOIN LATERAL (
            SELECT count(*) AS sold, coalesce(sum(price_cents), 0) AS cents,
                array_agg(buyer_id ORDER BY buyer_id) AS buyers
            FROM distribution_assignment WHERE attempt_id = a.id AND lead_id = a.lead_id
        ) d ON true
        LEFT JOIN LATERAL (
            SELECT count(*) FILTER (WHERE event = 'buyer_selected') AS selected,
                array_agg(buyer_id ORDER BY buyer_id) FILTER (WHERE event = 'buyer_selected') AS buyers,
                count(*) AS steps, max(seq) AS last, min(seq) AS first,
                count(*) FILTER (WHERE event = 'distribution_started' AND seq = 1) AS starts,
                count(*) FILTER (WHERE event IN ('distributed', 'failed')) AS ends,
                max(cost_cents) FILTER (WHERE event = 'distributed') AS cents
            FROM tracing_leaddistributionevent WHERE attempt_id = a.id AND lead_id = a.lead_id
        ) t ON true
        WHERE (a.result = 'success') <> (d.sold > 0) OR t.selected <> d.sold OR t.buyers IS DISTINCT FROM d.buyers
            OR t.starts <> 1 OR t.ends <> 1 OR t.first <> 1 OR t.last <> t.steps
            OR (a.result = 'success' AND t.cents IS DISTINCT FROM d.cents)
    """,
    "assignments without an attempt": """
        SELECT 'assignment ' || d.id FROM distribution_assignment d
        WHERE NOT EXISTS (SELECT FROM tracing_attempt a WHERE a.id = d.attempt_id AND a.lead_id = d.lead_id)
    """,
    "attempts on which the product failed": """
        SELECT 'attempt ' || id || ' of lead ' || lead_id FROM tracing_attempt WHERE skip_reason = 'internal_error'
    """,
}
ENDS: Final = """
SELECT status || CASE WHEN skip_reason = '' THEN '' ELSE ': ' || skip_reason END, count(*) FROM routing_lead
GROUP BY 1 ORDER BY 2 DESC, 1
"""
TOTALS: Final = """
SELECT (SELECT count(*) FROM routing_lead), (SELECT count(DISTINCT attributes ->> 'number') FROM routing_lead),
    (SELECT count(*) FROM tracing_attempt), (SELECT count(*) FROM distribution_assignment),
    (SELECT count(*) FROM distribution_ledgerentry WHERE kind = 'charge'),
    (SELECT count(*) FROM tracing_leaddistributionevent WHERE event = 'buyer_selected'),
    (SELECT count(*) FROM tracing_attempt WHERE number > 1)
"""
TOTAL_NAMES: Final = (
    "leads",
    "requests",
    "attempts",
    "assignments",
    "charges",
    "sales traced",
    "tried again",
)


def examine(findings: Findings, *, numbers: Sequence[int]) -> None:
    """Run every check. All leads must have finished."""
    for check, sql in CHECKS.items():
        rows = _fetch(f"SELECT found.*, count(*) OVER () FROM ({sql}) AS found LIMIT 1")
        for example, count in rows:
            findings.add(check, count, example)
    sent = {str(number) for number in numbers}
    stored = {row[0] for row in _fetch("SELECT DISTINCT attributes ->> 'number' FROM routing_lead")}
    findings.add("leads lost", len(sent - stored), "request " + min(sent - stored, default=""))
    totals = read_totals()
    if len({totals["assignments"], totals["charges"], totals["sales traced"]}) > 1:
        findings.add("assignments, charges and traced sales differ", 1, str(totals))


def read_totals() -> dict[str, int]:
    [row] = _fetch(TOTALS)
    return dict(zip(TOTAL_NAMES, row, strict=True))


def read_ends() -> dict[str, int]:
    return dict(_fetch(ENDS))


def _fetch(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()
