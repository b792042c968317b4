"""The results of the demo's leads, read from the tables."""

from dataclasses import asdict, dataclass
from typing import Any, Final

from django.db import connection

from leadswitch.demo.build import Demo
from leadswitch.demo.tries import TryRow

OUTCOMES: Final = """
SELECT l.status, l.skip_reason, count(*)
FROM routing_lead l WHERE l.source_workspace_id = %s
GROUP BY l.status, l.skip_reason ORDER BY count(*) DESC, l.status, l.skip_reason
"""
MONEY: Final = """
SELECT e.kind, count(*), sum(e.amount_cents)::bigint
FROM distribution_ledgerentry e
JOIN distribution_wallet w ON w.id = e.wallet_id
JOIN distribution_buyer b ON b.id = w.buyer_id
WHERE b.workspace_id = %s
GROUP BY e.kind ORDER BY e.kind
"""
BY_CAMPAIGN: Final = """
SELECT c.name, c.mode, count(DISTINCT a.lead_id), count(*), sum(a.price_cents)::bigint
FROM distribution_assignment a JOIN distribution_campaign c ON c.id = a.campaign_id
WHERE c.workspace_id = %s AND a.state = 'sold'
GROUP BY c.id ORDER BY c.id
"""
# Sold leads of those campaigns that a partner sent.
OF_OTHERS: Final = """
SELECT count(DISTINCT a.lead_id)
FROM distribution_assignment a
JOIN distribution_campaign c ON c.id = a.campaign_id
JOIN routing_lead l ON l.id = a.lead_id
WHERE c.workspace_id = %s AND a.state = 'sold' AND l.source_workspace_id <> c.workspace_id
"""
DECISIONS: Final = """
SELECT count(*), percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY duration_ms)
FROM tracing_attempt WHERE source_workspace_id = %s
"""
# Where the partner's leads are now, by the rule of their last attempt.
PARTNER: Final = """
SELECT w.slug, COALESCE(r.name, ''), count(*), count(*) FILTER (WHERE l.status = 'distributed'),
    count(*) FILTER (WHERE l.status = 'duplicate')
FROM routing_lead l
JOIN routing_workspace w ON w.id = l.workspace_id
LEFT JOIN LATERAL (
    SELECT a.rule_id FROM tracing_attempt a WHERE a.lead_id = l.id ORDER BY a.number DESC LIMIT 1
) last ON true
LEFT JOIN routing_rule r ON r.id = last.rule_id
WHERE l.source_workspace_id = %s
GROUP BY w.id, r.id ORDER BY count(*) DESC, w.slug
"""
ROUTED_LEAD: Final = """
SELECT id FROM routing_lead WHERE source_workspace_id = %s AND workspace_id <> %s AND status = %s ORDER BY id LIMIT 1
"""
# The lead whose attempt has the most different reasons.
INSTRUCTIVE_LEAD: Final = """
SELECT l.id
FROM routing_lead l JOIN tracing_leaddistributionevent e ON e.lead_id = l.id AND e.event = 'buyer_skipped'
WHERE l.workspace_id = %s AND l.status = %s
GROUP BY l.id ORDER BY count(DISTINCT e.skip_reason) DESC, l.id LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    status: str
    reason: str
    leads: int


@dataclass(frozen=True, slots=True)
class Movement:
    kind: str
    entries: int
    cents: int

    @property
    def balance_cents(self) -> int:
        """By how much it changed balances. A held price is still the buyer's, until it is captured."""
        return 0 if self.kind in ("hold", "release") else self.cents


@dataclass(frozen=True, slots=True)
class CampaignSales:
    campaign: str
    mode: str
    leads: int
    assignments: int
    cents: int


@dataclass(frozen=True, slots=True)
class DecisionTimes:
    """Milliseconds from the lead's lock to the end of the attempt's writes."""

    attempts: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class RoutedCount:
    """Leads of the partner by destination and rule. `rule` is "" for those that no rule matched."""

    destination: str
    rule: str
    leads: int
    sold: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The demo's result; `as_json` is what `--json` prints."""

    workspace: str
    leads: int
    buyers: int
    outcomes: tuple[OutcomeCount, ...]
    money: tuple[Movement, ...]
    campaigns: tuple[CampaignSales, ...]
    decisions: DecisionTimes
    partner: str
    partner_leads: int
    routed: tuple[RoutedCount, ...]
    tries: tuple[TryRow, ...]
    sending_seconds: float
    trying_seconds: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def read_summary(
    demo: Demo,
    *,
    buyers: int,
    tries: tuple[TryRow, ...],
    sending_seconds: float,
    trying_seconds: float,
) -> Summary:
    """Read the results of the leads from the first agency's own source, and from its partner."""
    workspace_id = demo.workspace.pk
    outcomes = tuple(OutcomeCount(*row) for row in _rows(OUTCOMES, workspace_id))
    attempts, times = _rows(DECISIONS, workspace_id)[0]
    p50, p95, p99 = (round(time, 2) for time in times or (0.0, 0.0, 0.0))
    return Summary(
        workspace=demo.workspace.slug,
        leads=sum(outcome.leads for outcome in outcomes),
        buyers=buyers,
        outcomes=outcomes,
        money=tuple(Movement(*row) for row in _rows(MONEY, workspace_id)),
        campaigns=tuple(CampaignSales(*row) for row in _rows(BY_CAMPAIGN, workspace_id)),
        decisions=DecisionTimes(attempts, p50, p95, p99),
        partner=demo.partner.slug,
        partner_leads=int(_rows(OF_OTHERS, workspace_id)[0][0]),
        routed=tuple(RoutedCount(*row) for row in _rows(PARTNER, demo.partner.pk)),
        tries=tries,
        sending_seconds=round(sending_seconds, 2),
        trying_seconds=round(trying_seconds, 2),
    )


def find_instructive_lead(workspace_id: int, *, status: str) -> int | None:
    """Return the id of the lead of this status whose trace shows the most reasons."""
    rows = _rows(INSTRUCTIVE_LEAD, workspace_id, status)
    return int(rows[0][0]) if rows else None


def find_routed_lead(partner_id: int, *, status: str) -> int | None:
    """Return the id of the first of the partner's leads that was routed and has this status."""
    rows = _rows(ROUTED_LEAD, partner_id, partner_id, status)
    return int(rows[0][0]) if rows else None


def _rows(sql: str, *parameters: int | str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())
