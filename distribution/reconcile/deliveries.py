"""Ends deliveries that no deliverer ends, and removes the bodies of old requests and the messages of old events.

leases of deliverers that were lost         a deliverer that is alive ends them too
direct posts to endpoints that are off      rejected if the buyer cannot have the lead, else for a person
leads of sales that were taken back         canceled
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from distribution.attempts.taken_back import cancel_left_over, find_left_over
from distribution.deliveries.keeping import drop_old_bodies
from distribution.deliveries.leases import end_expired, find_expired
from distribution.deliveries.old_events import remove_old_events
from distribution.deliveries.switched_off import end_stranded, find_stranded
from routing.queries import read_clock
from tracing.reconciling import Counts, name_rows

logger = logging.getLogger(__name__)

# A deliverer that is alive ends them within seconds.
LATE: Final = timedelta(seconds=30)
BODIES_AT_ONCE: Final = 1_000
MESSAGES_AT_ONCE: Final = 1_000


def run(*, fix: bool, limit: int) -> Counts:
    at = read_clock()
    expired = list(find_expired(at=at - LATE).order_by("pk").values_list("pk", flat=True)[:limit])
    ended = end_expired(at=at - LATE, limit=limit) if fix and expired else 0
    stranded = list(find_stranded().order_by("pk").values_list("pk", flat=True)[:limit])
    left_over = find_left_over(limit=limit)
    if fix:
        ended += _end_each(stranded, end_stranded, at=at) + _end_each(left_over, cancel_left_over, at=at)
        drop_old_bodies(at=at, limit=BODIES_AT_ONCE)
        remove_old_events(at=at, limit=MESSAGES_AT_ONCE)
    found = [*expired, *stranded, *left_over]
    return Counts(
        checked=len(found), repaired=ended, skipped=len(found) - ended, named=name_rows("delivery", found)
    )


def _end_each(found: Sequence[int], end: Callable[..., bool], *, at: datetime) -> int:
    """Each in a transaction of its own: one that fails leaves the others ended. Raises if PostgreSQL is away."""
    ended = 0
    for delivery_id in found:
        try:
            ended += end(delivery_id, at=at)
        except Exception as error:
            if not connection.is_usable():
                raise
            facts = {"cause": type(error).__name__, "delivery": delivery_id}
            logger.error("deliveries.not_ended", extra=facts)
    return ended
