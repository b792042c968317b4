"""Charges the selected buyers and assigns the lead to them, in one statement that checks every pause again.

The same statement inserts a delivery for each live endpoint of the buyers: what must be sent exists exactly if the sale
does, and costs no statement of its own. distribution/deliveries sends it.

If the campaign sells on acceptance, the price is held instead until the buyer's system answers (settle.py). Then only
one endpoint is asked: two systems of a buyer could give two answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, auto
from typing import Final
from uuid import UUID

from django.db import connection
from uuid6 import uuid7

from distribution.engine import Selection, Usage
from distribution.sql_arrays import array_literal
from routing.calendar.windows import WINDOW_KINDS
from routing.locks.attempts import IS_PRODUCT_PAUSED

_USAGE_COLUMNS: Final = [
    ("counted_on", "hour_starts_at"),
    *((f"{window}_leads", f"{window}_spent_cents") for window in WINDOW_KINDS),
]
_USAGE_SET: Final = ", ".join(f"{column} = s.{column}" for columns in _USAGE_COLUMNS for column in columns)
_USAGE_NAMES: Final = ", ".join(column for columns in _USAGE_COLUMNS for column in columns)
_USAGE_TYPES: Final = ", ".join(
    ["%s::date[], %s::timestamptz[]", *["%s::int[], %s::bigint[]"] * len(WINDOW_KINDS)]
)

# Nothing that was paused after the decision is sold: the statement sees every pause that committed before it began.
# A pause that ends by itself is over for a decision made after its end, by the decision's own time.
# A person who chose a buyer overrides the pauses of that buyer and its enrollment, and no other pause.
IS_OPEN: Final = f"""
NOT {IS_PRODUCT_PAUSED}
AND NOT EXISTS (
    SELECT FROM routing_workspace w WHERE w.id = ANY((SELECT %s::bigint[])::bigint[]) AND w.paused_at IS NOT NULL
)
AND EXISTS (SELECT FROM distribution_campaign c WHERE c.id = %s AND c.active)
AND NOT EXISTS (
    SELECT FROM distribution_enrollment e JOIN distribution_buyer b ON b.id = e.buyer_id,
        LATERAL (SELECT %s::timestamptz) AS decision(at)
    WHERE e.id = ANY((SELECT %s::bigint[])::bigint[]) AND (
        NOT e.active
        OR e.paused_at IS NOT NULL AND (e.paused_until IS NULL OR e.paused_until > decision.at)
        OR b.paused_at IS NOT NULL AND (b.paused_until IS NULL OR b.paused_until > decision.at)
    )
)
"""  # noqa: S608 - only a condition is put in

# When a delivery of the sale is due: at once, or, for a daily CSV, at the next such time of day of the buyer.
DELIVERY_DUE_AT: Final = """
CASE WHEN t.method <> 'csv' THEN sold.created_at ELSE (
    SELECT (day.start + t.daily_at + CASE WHEN day.start + t.daily_at <= day.now THEN '1 day' ELSE '0' END::interval)
        AT TIME ZONE b.timezone
    FROM distribution_buyer b,
        LATERAL (SELECT sold.created_at AT TIME ZONE b.timezone) AS zone(now),
        LATERAL (SELECT zone.now, date_trunc('day', zone.now)) AS day(now, start)
    WHERE b.id = sold.buyer_id
) END
"""

# A wallet below its limit drops out of `charged` and out of every later step, so the caller compares the number of
# rows. last_assigned_at is from the database's clock, because it orders the buyers of all workers. Those of one sale
# are a microsecond apart, in the order of their selection: PostgreSQL updates the rows in any order.
_SALE: Final = f"""
WITH now AS MATERIALIZED (
    SELECT {IS_OPEN} AS is_open
), sale AS (
    SELECT s.* FROM now, unnest(
        %s::bigint[], %s::bigint[], %s::bigint[], %s::uuid[], %s::bigint[], {_USAGE_TYPES}
    ) WITH ORDINALITY AS s(enrollment_id, buyer_id, price_cents, public_id, virtual_finish, {_USAGE_NAMES}, place)
    WHERE now.is_open
), charged AS (
    UPDATE distribution_wallet w
    SET {{money}}, version = w.version + 1
    FROM sale s
    WHERE w.buyer_id = s.buyer_id AND w.balance_cents - w.held_cents - s.price_cents >= -w.credit_limit_cents
    RETURNING w.id AS wallet_id, w.buyer_id, w.balance_cents
), used AS (
    UPDATE distribution_enrollment e
    SET last_assigned_at = statement_timestamp() + s.place * interval '1 microsecond',
        virtual_finish = s.virtual_finish, {_USAGE_SET}
    FROM sale s
    WHERE e.id = s.enrollment_id
), sold AS (
    INSERT INTO distribution_assignment (
        public_id, lead_id, buyer_id, campaign_id, enrollment_id, attempt_id, price_cents, state, created_at,
        counted_on
    )
    SELECT s.public_id, %s, s.buyer_id, %s, s.enrollment_id, %s, s.price_cents, '{{state}}', %s,
        s.counted_on
    FROM sale s JOIN charged c ON c.buyer_id = s.buyer_id
    RETURNING id, public_id, buyer_id, price_cents, lead_id, campaign_id, created_at
), outbox AS (
    {{outbox}}
), recorded AS (
    INSERT INTO distribution_ledgerentry (
        wallet_id, kind, amount_cents, balance_after_cents, idempotency_key, assignment_id, actor, reason,
        expires_at
    )
    SELECT c.wallet_id, '{{kind}}', -sold.price_cents, c.balance_cents, '{{kind}}:' || sold.public_id, sold.id,
        'engine', '', {{expires_at}}
    FROM sold JOIN charged c ON c.buyer_id = sold.buyer_id
    RETURNING id
)
SELECT now.is_open, (SELECT count(*) FROM recorded) FROM now
"""  # noqa: S608 - only constant column lists are put in
# The live endpoints `t` of the rows `sold`.
ENDPOINTS: Final = """
    JOIN distribution_endpoint t ON t.buyer_id = sold.buyer_id AND t.active AND t.disabled_at IS NULL
        AND t.events = '{}' AND t.purpose = 'delivery' AND (t.campaign_id IS NULL OR t.campaign_id = sold.campaign_id)
"""
_DELIVER: Final = f"""
    INSERT INTO distribution_delivery (endpoint_id, assignment_id, lead_id, next_try_at)
    SELECT t.id, sold.id, sold.lead_id, {DELIVERY_DUE_AT} FROM sold {ENDPOINTS}
"""  # noqa: S608 - only conditions are put in
# An endpoint of the campaign itself comes first.
_ASK: Final = f"""
    INSERT INTO distribution_delivery (endpoint_id, assignment_id, lead_id, next_try_at, is_direct_post)
    SELECT DISTINCT ON (sold.id) t.id, sold.id, sold.lead_id, sold.created_at, TRUE
    FROM sold {ENDPOINTS} AND t.method IN ('webhook', 'http')
    ORDER BY sold.id, t.campaign_id IS NULL, t.id
"""  # noqa: S608 - only conditions are put in
# A hold is released at the latest then, unless the buyer may have the lead. The chain of buyers has ended before.
HOLD_GRACE: Final = "interval '1 minute'"
_EXPIRES_AT: Final = f"""statement_timestamp() + {HOLD_GRACE} + (
    SELECT make_interval(secs => g.post_deadline_seconds) FROM distribution_campaign g WHERE g.id = sold.campaign_id
)"""  # noqa: S608 - only a constant is put in
SELL: Final = _SALE.format(
    money="balance_cents = w.balance_cents - s.price_cents",
    state="sold",
    kind="charge",
    outbox=_DELIVER,
    expires_at="NULL::timestamptz",
)
HOLD: Final = _SALE.format(
    money="held_cents = w.held_cents + s.price_cents",
    state="held",
    kind="hold",
    outbox=_ASK,
    expires_at=_EXPIRES_AT,
)


class SaleIncomplete(RuntimeError):
    """Fewer buyers were charged than selected, although their wallets were locked. Roll everything back."""


class SaleKind(Enum):
    CHARGE = auto()
    BY_HAND = auto()  # a person chose the buyer, which is charged in spite of its pause
    HOLD = auto()  # the price is held until the buyer's system answers


@dataclass(frozen=True, slots=True)
class PlannedSale:
    """One buyer's part of a sale: its price, its usage windows after this lead, and the date the sale counts in."""

    selection: Selection
    usage: Mapping[str, Usage]
    counted_on: date


def sell(
    sales: Sequence[PlannedSale],
    *,
    lead_id: int,
    campaign_id: int,
    attempt_id: UUID,
    at: datetime,
    workspace_ids: Sequence[int],
    kind: SaleKind,
) -> Sequence[UUID] | None:
    """Charge, count and assign. Returns the public ids of the assignments, in the order of `sales`.

    None: something was paused after the decision, and nothing was sold. Roll back and decide again.

    `at` is the time of the decision: the counters' windows and the assignments must agree on it. `workspace_ids`:
    the workspaces the lead passes through.

    Needs the lead's lock and the locks of distribution.locks.lock_candidates on every selection, confirmed.
    Raises SaleIncomplete.
    """
    public_ids = [UUID(int=uuid7().int) for _ in sales]
    with connection.cursor() as cursor:
        columns = _columns(sales, public_ids)
        enrollment_ids = array_literal(()) if kind is SaleKind.BY_HAND else columns[0]
        passed = array_literal(workspace_ids)
        cursor.execute(
            HOLD if kind is SaleKind.HOLD else SELL,
            [passed, campaign_id, at, enrollment_ids, *columns, lead_id, campaign_id, attempt_id, at],
        )
        is_open, charged = cursor.fetchone()
    if not is_open:
        return None
    if charged != len(sales):
        message = f"{charged} of {len(sales)} selected buyers could be charged"
        raise SaleIncomplete(message)
    return public_ids


def _columns(sales: Sequence[PlannedSale], public_ids: Sequence[UUID]) -> list[str]:
    chosen = [sale.selection for sale in sales]
    columns = [
        array_literal(selection.enrollment_id for selection in chosen),
        array_literal(selection.buyer_id for selection in chosen),
        array_literal(selection.price_cents for selection in chosen),
        array_literal(public_ids),
        array_literal(selection.new_virtual_finish for selection in chosen),
    ]
    columns.append(array_literal(sale.counted_on for sale in sales))
    columns.append(array_literal(sale.usage["hour"][0] for sale in sales))
    for window in WINDOW_KINDS:
        columns += map(array_literal, zip(*(sale.usage[window][1:] for sale in sales), strict=True))
    return columns
