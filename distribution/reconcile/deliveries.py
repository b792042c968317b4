"""Ends leases of deliverers that were lost, and removes the bodies of old requests.

A deliverer ends leases too. This one does so while none is alive, so that what they sent becomes unknown in time.
"""

from datetime import timedelta
from typing import Final

from django.utils import timezone

from distribution.deliveries.keeping import drop_old_bodies
from distribution.deliveries.leases import end_expired, find_expired
from tracing.reconciling import Counts, name_rows

# A deliverer that is alive ends them within seconds.
LATE: Final = timedelta(seconds=30)
BODIES_AT_ONCE: Final = 1_000


def run(*, fix: bool, limit: int) -> Counts:
    at = timezone.now()
    expired = find_expired(at=at - LATE)
    found = list(expired.order_by("pk").values_list("pk", flat=True)[:limit])
    ended = end_expired(at=at - LATE, limit=limit) if fix and found else 0
    if fix:
        drop_old_bodies(at=at, limit=BODIES_AT_ONCE)
    return Counts(
        checked=len(found), repaired=ended, skipped=len(found) - ended, named=name_rows("delivery", found)
    )
