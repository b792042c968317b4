"""The attempts in which a buyer missed leads, for replays: ids alone, without personal data. Reads only."""

from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from distribution.explain.decisive import IS_DECISIVE, LEFT_OUT
from distribution.explain.missed_period import MissedPeriod, find_range
from distribution.explain.missed_rows import ALREADY_HAD
from distribution.models import Buyer
from tracing.vocabulary import Event

# As distribution.explain.missed lists them: the deciding attempt of each lead.
LATEST: Final = f"""
SELECT e.id, a.id, e.lead_id, a.campaign_id, a.config_version, e.skip_reason, a.finished_at
FROM tracing_leaddistributionevent e
JOIN tracing_attempt a ON a.id = e.attempt_id
JOIN routing_lead l ON l.id = e.lead_id
WHERE e.event = '{Event.BUYER_SKIPPED}' AND e.buyer_id = %(buyer)s AND NOT l.is_test
    AND e.id >= %(first)s AND a.finished_at >= %(starts_at)s AND a.campaign_id IS NOT NULL
    AND e.skip_reason <> '{ALREADY_HAD}' AND NOT {LEFT_OUT.format("e")}
    AND {IS_DECISIVE}
ORDER BY e.id DESC
LIMIT %(limit)s
"""  # noqa: S608 - constants only


class MissedAttempt(NamedTuple):
    """One row of LATEST, in the order of its columns."""

    event_id: int
    attempt_id: UUID
    lead_id: int
    campaign_id: int
    config_version: int
    reason: str
    decided_at: datetime


def list_missed_attempts(buyer: Buyer, *, since: datetime, limit: int) -> list[MissedAttempt]:
    """The newest `limit` since then, newest first."""
    first = find_range(buyer.pk, MissedPeriod(starts_at=since)).first
    asked: dict[str, Any] = {"buyer": buyer.pk, "first": first, "starts_at": since, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(LATEST, asked)
        return [MissedAttempt(*row) for row in cursor.fetchall()]
