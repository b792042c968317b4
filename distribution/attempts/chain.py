"""What the attempts of one lead have in common while buyers' systems are asked one after the other."""

from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from distribution.engine import CompiledCampaign

READ_SOLD: Final = """
SELECT count(*), COALESCE(SUM(price_cents), 0) FROM distribution_assignment WHERE lead_id = %s AND state = 'sold'
"""

IS_BEING_POSTED: Final = """
SELECT FROM routing_lead
WHERE id = %s AND (status = 'posting' OR (status = 'pending' AND posting_since IS NOT NULL AND attempts > 0
    AND next_attempt_at <= statement_timestamp() AND paused_at IS NULL))
"""


def post_deadline(since: datetime, campaign: CompiledCampaign) -> datetime:
    """Return until when a further buyer's system may be asked. `since`: when the first one was asked."""
    return since + timedelta(seconds=campaign.post_deadline_seconds)


def read_sold(lead_id: int) -> tuple[int, int]:
    """Return how many buyers have the lead, and the sum of their prices in cents."""
    with connection.cursor() as cursor:
        cursor.execute(READ_SOLD, [lead_id])
        buyers, cents = cursor.fetchone()
    return buyers, int(cents)


def is_being_posted(lead_id: int) -> bool:
    """Whether a buyer's system is asked, or the next attempt after an answer has yet to begin."""
    with connection.cursor() as cursor:
        cursor.execute(IS_BEING_POSTED, [lead_id])
        return bool(cursor.rowcount)
