"""Fills the table of leads with many rows at once, for tests of query plans."""

from django.db import connection

from routing.models import Source
from tests.support.planting import plant

# SQL for each column; `n` counts from 1.
USUAL = {
    "public_id": "gen_random_uuid()",
    **dict.fromkeys(
        ("external_id", "first_name", "last_name", "email", "phone", "address", "city", "county"), "''"
    ),
    "zip": "'30312'",
    "state": "'GA'",
    "country": "'US'",
    "vertical": "'roofing'",
    "attributes": "'{}'",
    "consent": "'{}'",
    "status": "'pending'",
    "skip_reason": "''",
    "attempts": "0",
    "next_attempt_at": "now()",
    "due_reason": "''",
    "received_at": "now()",
    "expires_at": "now() + interval '90 days'",
    "finished_at": "NULL",
}


def fill_leads(source: Source, *, count: int, **columns: str) -> None:
    """Insert `count` leads without foreign key checks, and update the planner's statistics."""
    values = {
        "workspace_id": str(source.workspace_id),
        "source_workspace_id": str(source.workspace_id),
        "source_id": str(source.pk),
        **USUAL,
        **columns,
    }
    plant(
        f"INSERT INTO routing_lead ({', '.join(values)}) SELECT {', '.join(values.values())}"
        f" FROM generate_series(1, {count}) AS n"
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE routing_lead")


def fill_mostly_sold(source: Source, *, count: int) -> None:
    """One in twenty is pending, due long ago or far ahead. The others are sold."""
    fill_leads(
        source,
        count=count,
        status="CASE WHEN n % 20 = 0 THEN 'pending' ELSE 'distributed' END",
        next_attempt_at="CASE WHEN n % 20 = 0 THEN now() + (n - 10000) * interval '1 minute' END",
        finished_at="CASE WHEN n % 20 > 0 THEN now() END",
    )


ROWS = 30_000


FILL_EVENTS = """
INSERT INTO tracing_leaddistributionevent (
    lead_id, attempt_id, seq, event, buyer_id, cost_cents, outcome, skip_reason, duration_ms, data, created_at
)
SELECT a.lead_id, a.id, n, 'buyer_skipped', 1, 1, 'skipped', 'buyer_paused', NULL, '{}', now()
FROM tracing_attempt a CROSS JOIN generate_series(1, 3) n ORDER BY a.id, n
"""


FILL_BOUGHT = """
INSERT INTO distribution_assignment (
    public_id, lead_id, buyer_id, campaign_id, attempt_id, price_cents, state, created_at, returned_at,
    counted_on
)
SELECT gen_random_uuid(), l.id, e.buyer_id, e.campaign_id, gen_random_uuid(), 1, 'returned', now(), now(),
    current_date
FROM routing_lead l CROSS JOIN distribution_enrollment e WHERE l.id % 4 = 0
"""
# The charge of each of them.
FILL_CHARGES = """
INSERT INTO distribution_ledgerentry (
    public_id, wallet_id, kind, amount_cents, balance_after_cents, idempotency_key, assignment_id, actor, reason,
    created_at
)
SELECT gen_random_uuid(), w.id, 'charge', -1, 0, 'charge:' || a.id, a.id, '', '', now()
FROM distribution_assignment a JOIN distribution_wallet w USING (buyer_id)
"""
