"""Charges a hold, in full or in part: one step, which frees the rest and begins what follows a sale."""

from datetime import datetime
from typing import Final

from django.db import connection

from distribution.attempts.sell import DELIVERY_DUE_AT, ENDPOINTS
from distribution.counters import lower_price
from distribution.locks import lock_for_return
from distribution.models import Assignment
from tracing.wording import money

# The wallet waits for its row lock. A hold fits the limit, so its capture does too. The buyer's other endpoints get a
# lead when it is sold, as after any sale. One statement, because every direct post waits for it; the count makes it
# lock the wallet before the assignment, as a release does.
ACCEPT: Final = f"""
WITH captured AS (
    UPDATE distribution_wallet w
    SET balance_cents = w.balance_cents - LEAST(COALESCE(%(charge)s::bigint, a.price_cents), a.price_cents),
        held_cents = w.held_cents - a.price_cents, version = w.version + 1
    FROM distribution_assignment a
    WHERE a.id = %(assignment)s AND a.state = 'held' AND NOT a.is_test AND w.buyer_id = a.buyer_id
    RETURNING w.id, w.balance_cents, a.price_cents AS held_cents
), sold AS (
    UPDATE distribution_assignment SET state = 'sold', settled_at = %(at)s,
        price_cents = LEAST(COALESCE(%(charge)s::bigint, price_cents), price_cents)
    WHERE id = %(assignment)s AND state = 'held' AND (SELECT count(*) FROM captured) <= 1
    RETURNING id, public_id, lead_id, buyer_id, campaign_id, price_cents, is_test, settled_at AS created_at
), recorded AS (
    INSERT INTO distribution_ledgerentry (
        wallet_id, kind, amount_cents, balance_after_cents, idempotency_key, assignment_id, actor, reason,
        released_cents
    )
    SELECT c.id, 'capture', -sold.price_cents, c.balance_cents, 'capture:' || sold.public_id, sold.id, 'engine', '',
        c.held_cents - sold.price_cents
    FROM captured c, sold
)
INSERT INTO distribution_delivery (endpoint_id, assignment_id, lead_id, next_try_at, is_test)
SELECT t.id, sold.id, sold.lead_id, {DELIVERY_DUE_AT}, sold.is_test
FROM sold {ENDPOINTS}
WHERE (t.test_url <> '' OR NOT sold.is_test) AND NOT EXISTS (
    SELECT FROM distribution_delivery d WHERE d.assignment_id = sold.id AND d.endpoint_id = t.id
)
"""  # noqa: S608 - only conditions are put in


class CaptureRefused(ValueError):
    """That amount cannot be charged. The message says why."""


def capture(assignment_id: int, *, at: datetime, charge_cents: int | None = None) -> None:
    """Charge what is held for a sale, or only `charge_cents` of it. The sale's price is what was charged.

    Needs the lead's lock, and an assignment that is held. Locks the wallet; for a part also the enrollment, because
    less counts for its budgets. Raises CaptureRefused.
    """
    if charge_cents is not None:
        _lower(
            Assignment.objects.select_related("campaign", "lead").get(pk=assignment_id),
            charge_cents=charge_cents,
        )
    with connection.cursor() as cursor:
        cursor.execute(ACCEPT, {"assignment": assignment_id, "at": at, "charge": charge_cents})


def _lower(assignment: Assignment, *, charge_cents: int) -> None:
    if not 0 <= charge_cents <= assignment.price_cents:
        message = f"{money(charge_cents)} cannot be charged: {money(assignment.price_cents)} is held"
        raise CaptureRefused(message)
    if charge_cents < assignment.price_cents and assignment.lead.ping_id is not None:
        raise CaptureRefused("its source was promised a price for this lead, so all that is held is charged")
    if assignment.is_test:  # a test counts in nothing
        return
    enrollment_id = lock_for_return(campaign_id=assignment.campaign_id, buyer_id=assignment.buyer_id)
    if enrollment_id is not None:
        rest_cents = assignment.price_cents - charge_cents
        lower_price(assignment, enrollment_id=enrollment_id, rest_cents=rest_cents)
