"""Assigns a test lead to the selected buyers, in one statement. No balance, counter or turn changes.

Nothing is locked for it: the decision stays the one that was made on the facts as they were read, and no real lead
waits for a test lead or passes a buyer over because of it. What must be sent goes to test URLs alone. If the campaign
sells on acceptance, the buyer's system is asked at its test URL, and the sale waits for the answer (settle.py).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection
from uuid6 import uuid7

from distribution.attempts.sell import DELIVERY_DUE_AT, ENDPOINTS, IS_OPEN, PlannedSale, SaleKind
from distribution.sql_arrays import array_literal

_SALE: Final = f"""
WITH now AS MATERIALIZED (
    SELECT {IS_OPEN} AS is_open
), sale AS (
    SELECT s.* FROM now, unnest(
        %s::bigint[], %s::bigint[], %s::bigint[], %s::uuid[], %s::date[]
    ) AS s(enrollment_id, buyer_id, price_cents, public_id, counted_on)
    WHERE now.is_open
), sold AS (
    INSERT INTO distribution_assignment (
        public_id, lead_id, buyer_id, campaign_id, enrollment_id, attempt_id, price_cents, state, created_at,
        counted_on, is_counted, is_test
    )
    SELECT s.public_id, %s, s.buyer_id, %s, s.enrollment_id, %s, s.price_cents, '{{state}}', %s, s.counted_on, false,
        true
    FROM sale s
    RETURNING id, buyer_id, lead_id, campaign_id, created_at
), outbox AS (
    {{outbox}}
)
SELECT now.is_open FROM now
"""  # noqa: S608 - only constant lists and conditions are put in
_TEST_ENDPOINTS: Final = f"{ENDPOINTS} AND t.test_url <> ''"
_DELIVER: Final = f"""
    INSERT INTO distribution_delivery (endpoint_id, assignment_id, lead_id, next_try_at, is_test)
    SELECT t.id, sold.id, sold.lead_id, {DELIVERY_DUE_AT}, true FROM sold {_TEST_ENDPOINTS}
"""  # noqa: S608 - only conditions are put in
# As for a lead of a real person, an endpoint of the campaign itself comes first.
_ASK: Final = f"""
    INSERT INTO distribution_delivery (endpoint_id, assignment_id, lead_id, next_try_at, is_direct_post, is_test)
    SELECT DISTINCT ON (sold.id) t.id, sold.id, sold.lead_id, sold.created_at, true, true
    FROM sold {_TEST_ENDPOINTS} AND t.method IN ('webhook', 'http')
    ORDER BY sold.id, t.campaign_id IS NULL, t.id
"""  # noqa: S608 - only conditions are put in
SELL_TEST: Final = _SALE.format(state="sold", outbox=_DELIVER)
HOLD_TEST: Final = _SALE.format(state="held", outbox=_ASK)


def sell_test(
    sales: Sequence[PlannedSale],
    *,
    lead_id: int,
    campaign_id: int,
    attempt_id: UUID,
    at: datetime,
    workspace_ids: Sequence[int],
    kind: SaleKind,
) -> Sequence[UUID] | None:
    """Assign. Returns the public ids of the assignments, in the order of `sales`. Their usage is not written.

    None: something was paused after the decision, as in sell(). Needs the lead's lock alone.
    """
    chosen = [sale.selection for sale in sales]
    public_ids = [UUID(int=uuid7().int) for _ in chosen]
    enrollment_ids = array_literal(each.enrollment_id for each in chosen)
    columns = [
        enrollment_ids,
        array_literal(each.buyer_id for each in chosen),
        array_literal(each.price_cents for each in chosen),
        array_literal(public_ids),
        array_literal(sale.counted_on for sale in sales),
    ]
    checked: list[Any] = [
        array_literal(workspace_ids),
        campaign_id,
        at,
        array_literal(()) if kind is SaleKind.BY_HAND else enrollment_ids,
    ]
    with connection.cursor() as cursor:
        sql = HOLD_TEST if kind is SaleKind.HOLD else SELL_TEST
        cursor.execute(sql, [*checked, *columns, lead_id, campaign_id, attempt_id, at])
        is_open = cursor.fetchone()[0]
    return public_ids if is_open else None
