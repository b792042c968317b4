"""Sets a message aside that nothing else can end, so that it stops none of the others: a person decides about it.

PostgreSQL refuses its claim or its result, because its rows were changed by hand or the product has a defect. The log
says why.
"""

import logging
from datetime import datetime
from typing import Final

from django.db import connection, transaction

from distribution import metrics
from distribution.deliveries.tried import Tried
from distribution.models import DeliveryState

logger = logging.getLogger(__name__)

# The ends of such messages, and the errors of their tries.
NOT_WRITTEN: Final = "result_not_written"
NOT_CLAIMED: Final = "not_claimed"
# What the columns for numbers of tries can hold.
MOST_TRIES: Final = 32_767

END: Final = f"""
WITH moved AS (
    UPDATE distribution_delivery SET state = 'unknown', leased_until = NULL, end_reason = '{NOT_WRITTEN}'
    WHERE id = %(id)s AND state = 'posting' AND tries = %(number)s
    RETURNING id
), tried AS (
    UPDATE distribution_deliverytry SET finished_at = %(at)s, outcome = 'unknown', error = '{NOT_WRITTEN}'
    WHERE delivery_id = %(id)s AND number = %(number)s AND outcome IN ('', 'worker_lost')
)
SELECT count(*) FROM moved
"""  # noqa: S608 - only a constant is put in
# A claim writes the try with the next number.
STOP_UNCLAIMABLE: Final = f"""
UPDATE distribution_delivery d SET state = 'unknown', next_try_at = NULL, end_reason = '{NOT_CLAIMED}'
WHERE d.state = 'pending' AND d.next_try_at <= clock_timestamp() AND (
    d.tries >= %s
    OR EXISTS (SELECT FROM distribution_deliverytry t WHERE t.delivery_id = d.id AND t.number > d.tries)
)
RETURNING d.message_id
"""  # noqa: S608 - only a constant is put in


def set_aside(tried: Tried, *, cause: Exception, at: datetime) -> None:
    """End a try whose result cannot be written. It is not sent again: the buyer may have the message.

    Raises django.db.Error; then its lease ends it.
    """
    claimed = tried.work.claimed
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(END, {"id": claimed.id, "number": claimed.number, "at": at})
        (moved,) = cursor.fetchone()
    metrics.DELIVERIES_ENDED.labels(state=DeliveryState.UNKNOWN.value).inc(moved)
    facts = {
        "delivery": str(claimed.message_id),
        "number": claimed.number,
        "outcome": tried.judgment.outcome.value,
        "status_code": tried.status_code,
        "cause": type(cause).__name__,
    }
    logger.error("deliveries.set_aside", extra=facts)


def set_aside_unclaimable() -> int:
    """Stop messages that are due and whose next try has no free number. Returns how many."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(STOP_UNCLAIMABLE, [MOST_TRIES])
        stopped = [str(message_id) for (message_id,) in cursor.fetchall()]
    metrics.DELIVERIES_ENDED.labels(state=DeliveryState.UNKNOWN.value).inc(len(stopped))
    for message_id in stopped:
        logger.error("deliveries.set_aside", extra={"delivery": message_id, "cause": NOT_CLAIMED})
    return len(stopped)
