"""What the attempts of one lead have in common while buyers' systems are asked one after the other."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, connections

from distribution.engine import CompiledCampaign
from routing.locks.attempts import IS_DUE, IS_RUNNING

READ_SOLD: Final = """
SELECT lead_id, count(*), SUM(price_cents)::bigint FROM distribution_assignment
WHERE lead_id = ANY(%s::bigint[]) AND state = 'sold' GROUP BY lead_id
"""

IS_SOLD_BY: Final = """
SELECT FROM distribution_assignment WHERE lead_id = %s AND state = 'sold' AND campaign_id = %s
"""
IS_OFFERED: Final = """
SELECT FROM routing_lead WHERE id = %s AND status = 'offered' AND next_attempt_at > clock_timestamp()
"""
IS_POSTING: Final = "SELECT FROM routing_lead WHERE id = %s AND status = 'posting'"
IS_DUE_AFTER_ANSWER: Final = f"""
SELECT FROM routing_lead l JOIN routing_workspace w ON w.id = l.workspace_id
WHERE l.id = %s AND {IS_DUE} AND {IS_RUNNING} AND l.posting_since IS NOT NULL
"""


def post_deadline(since: datetime, campaign: CompiledCampaign) -> datetime:
    """Return until when a further buyer's system may be asked. `since`: when the first one was asked."""
    return since + timedelta(seconds=campaign.post_deadline_seconds)


def read_sold(lead_id: int, *, using: str = "default") -> tuple[int, int]:
    """Return how many buyers have the lead, and the sum of their prices in cents."""
    return read_sold_leads([lead_id], using=using)[lead_id]


def read_sold_leads(lead_ids: Sequence[int], *, using: str = "default") -> dict[int, tuple[int, int]]:
    """The same for each of these leads. The hook LEADSWITCH_SOLD_HOOK."""
    with connections[using].cursor() as cursor:
        cursor.execute(READ_SOLD, [list(lead_ids)])
        found = {lead_id: (buyers, cents) for lead_id, buyers, cents in cursor.fetchall()}
    return {lead_id: found.get(lead_id, (0, 0)) for lead_id in lead_ids}


def is_sold_by(campaign_id: int, *, lead_id: int) -> bool:
    """Whether a buyer of this campaign has the lead."""
    with connection.cursor() as cursor:
        cursor.execute(IS_SOLD_BY, [lead_id, campaign_id])
        return cursor.fetchone() is not None


def is_posting(lead_id: int) -> bool:
    """Whether the lead waits for the answer of a buyer's system."""
    return _exists(IS_POSTING, lead_id)


def is_offered(lead_id: int) -> bool:
    """Whether buyers may still claim the lead or bid for it. False as soon as it is due, whatever ends the offer."""
    return _exists(IS_OFFERED, lead_id)


def is_due_after_answer(lead_id: int) -> bool:
    """Whether the attempt that follows an answer could run now."""
    return _exists(IS_DUE_AFTER_ANSWER, lead_id)


def _exists(sql: str, lead_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql, [lead_id])
        return cursor.fetchone() is not None
