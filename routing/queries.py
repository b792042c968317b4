"""Reads of routing for API, admin and tasks."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Q

from routing.models import Lead

LONGEST_ID: Final = 18  # digits that always fit a bigint
COUNT_DUE: Final = """
SELECT count(*) FROM (
    SELECT 1
    FROM routing_lead l JOIN routing_workspace w ON w.id = l.workspace_id
    WHERE l.status = 'pending' AND l.next_attempt_at <= clock_timestamp() AND w.paused_at IS NULL
    LIMIT %s
) due
"""


def count_due(*, limit: int) -> int:
    """Return how many leads are due, counting no further than `limit`."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT_DUE, [limit])
        return int(cursor.fetchone()[0])


def parse_uuid(text: str) -> UUID | None:
    """Return the UUID that `text` is, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None


def parse_id(text: str) -> int | None:
    """Return the row id that `text` is, or None."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_ID else None


def find_leads(text: str, *, limit: int = 5) -> Sequence[Lead]:
    """Return the leads that `text` names: a public id, an id, or a sender's own id. No more than `limit`."""
    leads = Lead.objects.select_related("workspace", "source").order_by("pk")
    public_id = parse_uuid(text)
    if public_id is not None:
        return list(leads.filter(public_id=public_id))
    named = Q(external_id=text) if text else Q(pk__in=[])
    row_id = parse_id(text)
    if row_id is not None:
        named |= Q(pk=row_id)
    return list(leads.filter(named)[:limit])
