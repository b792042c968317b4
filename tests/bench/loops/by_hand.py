"""The lower bound: hand-written psycopg that writes the product's rows, and nothing else.

It decides nothing (the first eligible buyer is known from the template), its JSON comes ready-made, statements are
prepared by the driver, and all events go in one pipelined executemany.
"""

from typing import Any, Final
from uuid import UUID

import psycopg
from django.db import connection
from uuid6 import uuid7

from tests.bench.dataset import PRICE_CENTS
from tests.bench.template import Template

Row = tuple[Any, ...]

LEAD: Final = """
SELECT workspace_id, source_workspace_id, attempts, zip, attributes, now() FROM routing_lead
WHERE id = %s AND status = 'pending' AND next_attempt_at <= now() FOR NO KEY UPDATE SKIP LOCKED
"""
CANDIDATES: Final = """
SELECT e.id, e.buyer_id, w.id, w.balance_cents, w.credit_limit_cents, e.last_assigned_at, e.day_leads,
    e.month_spent_cents
FROM distribution_enrollment e JOIN distribution_wallet w ON w.buyer_id = e.buyer_id
WHERE e.campaign_id = %s ORDER BY e.last_assigned_at NULLS FIRST
"""
CHARGE: Final = """
UPDATE distribution_wallet SET balance_cents = balance_cents - %(price)s, version = version + 1
WHERE buyer_id = %(buyer)s AND balance_cents - held_cents - %(price)s >= -credit_limit_cents
RETURNING balance_cents
"""
ASSIGN: Final = """
INSERT INTO distribution_assignment
    (public_id, lead_id, buyer_id, campaign_id, enrollment_id, attempt_id, price_cents, state, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, 'sold', %s) RETURNING id
"""
ENTER: Final = """
INSERT INTO distribution_ledgerentry
    (wallet_id, kind, amount_cents, balance_after_cents, idempotency_key, assignment_id, actor, reason)
VALUES (%s, 'charge', %s, %s, %s, %s, 'engine', '')
"""
COUNT: Final = """
UPDATE distribution_enrollment SET last_assigned_at = clock_timestamp(),
    hour_leads = hour_leads + 1, hour_spent_cents = hour_spent_cents + %(price)s,
    day_leads = day_leads + 1, day_spent_cents = day_spent_cents + %(price)s,
    week_leads = week_leads + 1, week_spent_cents = week_spent_cents + %(price)s,
    month_leads = month_leads + 1, month_spent_cents = month_spent_cents + %(price)s
WHERE id = %(enrollment)s
"""
ATTEMPT: Final = """
INSERT INTO tracing_attempt (
    id, lead_id, number, trigger, source_workspace_id, destination_workspace_id, campaign_id, config_version,
    result, skip_reason, transient, next_attempt_at, started_at, finished_at, duration_ms, worker, facts
) VALUES (%s, %s, %s, 'ingest', %s, %s, %s, %s, 'success', '', false, NULL, %s, clock_timestamp(), 1.5, %s, %s::jsonb)
"""
EVENT: Final = """
INSERT INTO tracing_leaddistributionevent
    (lead_id, attempt_id, seq, event, buyer_id, cost_cents, outcome, skip_reason, duration_ms, data)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb)
"""
CLOSE: Final = """
UPDATE routing_lead SET status = 'distributed', skip_reason = '', attempts = attempts + 1, next_attempt_at = NULL,
    due_reason = '', finished_at = %s
WHERE id = %s AND status = 'pending'
"""


class ByHand:
    def __init__(self, template: Template, *, worker: int) -> None:
        self._template = template
        self._worker = worker
        self._connection = connect()

    def sell(self, lead_id: int) -> bool:
        template = self._template
        with self._connection.transaction(), self._connection.cursor() as cursor:
            lead = cursor.execute(LEAD, [lead_id]).fetchone()
            if lead is None:
                return False
            enrollment_id, buyer_id, wallet_id = self._choose(cursor)
            attempt_id, public_id = UUID(int=uuid7().int), UUID(int=uuid7().int)
            charge = {"price": PRICE_CENTS, "buyer": buyer_id}
            (balance,) = cursor.execute(CHARGE, charge).fetchone() or (None,)
            assignment = [public_id, lead_id, buyer_id, template.campaign_id, enrollment_id]
            assigned = cursor.execute(ASSIGN, [*assignment, attempt_id, PRICE_CENTS, lead[5]]).fetchone()
            entry = [wallet_id, -PRICE_CENTS, balance, f"charge:{public_id}", assigned and assigned[0]]
            cursor.execute(ENTER, entry)
            cursor.execute(COUNT, {"price": PRICE_CENTS, "enrollment": enrollment_id})
            self._trace(cursor, lead_id=lead_id, lead=lead, attempt_id=attempt_id)
            cursor.execute(CLOSE, [lead[5], lead_id])
        return True

    def _choose(self, cursor: psycopg.Cursor[Row]) -> Row:
        """The buyer that waited longest. The second worker uses the next one, so that they do not block each other."""
        rows = cursor.execute(CANDIDATES, [self._template.campaign_id]).fetchall()
        eligible = [row for row in rows if row[1] in self._template.eligible_buyer_ids]
        return eligible[self._worker % len(eligible)][:3]

    def _trace(self, cursor: psycopg.Cursor[Row], *, lead_id: int, lead: Row, attempt_id: Any) -> None:
        template = self._template
        versions = [template.campaign_id, template.config_version]
        attempt = [attempt_id, lead_id, lead[2] + 1, lead[1], lead[0], *versions, lead[5], template.worker]
        cursor.execute(ATTEMPT, [*attempt, template.facts_text])
        rows = [
            (
                *(lead_id, attempt_id, row.seq, row.event, row.buyer_id, row.cost_cents),
                *(row.outcome, row.skip_reason, row.duration_ms, row.data_text),
            )
            for row in template.events
        ]
        cursor.executemany(EVENT, rows)


def connect() -> psycopg.Connection[Row]:
    """Open a plain psycopg connection with the session limits of the product."""
    given = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname", "options")
    return psycopg.connect(**{name: given[name] for name in names if name in given}, autocommit=True)
