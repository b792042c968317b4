"""Removes messages of events some time after they ended. An event goes with the last of its messages.

An event is needed as long as one of its messages is: to send it, to send it again, and to show it. So each message is
removed by its own age, and a message that waits, e.g. for a subscription that is off, keeps its event.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from distribution import metrics
from distribution.sql_arrays import array_literal

# A message that a person sends again right now is left for the next run.
LOCK_OLD: Final = """
SELECT id, event_id FROM distribution_delivery
WHERE event_id IS NOT NULL AND ended_at IS NOT NULL
    AND state IN ('accepted', 'rejected', 'cancelled') AND ended_at < %(before)s
LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
REMOVE_TRIES: Final = "DELETE FROM distribution_deliverytry WHERE delivery_id = ANY(%s::bigint[])"
REMOVE: Final = "DELETE FROM distribution_delivery WHERE id = ANY(%s::bigint[])"
# Two removals, each of another message of an event, must not both leave the event for the other.
LOCK_EVENTS: Final = """
SELECT id FROM distribution_event WHERE id = ANY(%s::uuid[]) ORDER BY id FOR UPDATE
"""
REMOVE_EVENTS: Final = """
DELETE FROM distribution_event e
WHERE e.id = ANY(%s::uuid[]) AND NOT EXISTS (SELECT FROM distribution_delivery d WHERE d.event_id = e.id)
"""


def remove_old_events(*, at: datetime, limit: int) -> int:
    """Remove at most `limit` messages that ended long ago, with their tries. Returns how many.

    Locks deliveries without waiting, then events by id.
    """
    before = at - timedelta(days=settings.LEADSWITCH_EVENT_DAYS)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK_OLD, {"before": before, "limit": limit})
        found = cursor.fetchall()
        if found:
            _remove([pk for pk, _ in found], event_ids={event_id for _, event_id in found})
    metrics.EVENT_MESSAGES_REMOVED.inc(len(found))
    return len(found)


def _remove(delivery_ids: Collection[int], *, event_ids: Collection[UUID]) -> None:
    deliveries, events = array_literal(delivery_ids), array_literal(event_ids)
    with connection.cursor() as cursor:
        cursor.execute(REMOVE_TRIES, [deliveries])
        cursor.execute(REMOVE, [deliveries])
        cursor.execute(LOCK_EVENTS, [events])
        cursor.execute(REMOVE_EVENTS, [events])
