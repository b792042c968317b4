"""How endpoints answered in a time: counts and times of tries, by endpoint and by hour. Test deliveries are left out.

Each read is bounded: by the time, through the index on it, and by the number of tries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from django.db import connection

from distribution.models import DeliveryTry
from distribution.sql_arrays import array_literal

MAX_TRIES: Final = 200_000

READ: Final = """
WITH shown AS (
    SELECT d.endpoint_id, date_trunc('hour', t.started_at, 'UTC') AS hour, t.outcome, t.duration_ms
    FROM distribution_deliverytry t JOIN distribution_delivery d ON d.id = t.delivery_id
    WHERE t.started_at >= %(start)s AND t.started_at < %(end)s AND t.outcome <> '' AND NOT d.is_test
        AND (%(endpoints)s::bigint[] IS NULL OR d.endpoint_id = ANY(%(endpoints)s::bigint[]))
)
SELECT endpoint_id, hour, count(*) FILTER (WHERE outcome = 'accepted'), count(*) FILTER (WHERE outcome = 'rejected'),
    count(*) FILTER (WHERE outcome IN ('unknown', 'worker_lost')), count(*) FILTER (WHERE outcome = 'not_sent'),
    percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_ms),
    percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms)
FROM shown GROUP BY GROUPING SETS ((endpoint_id), (hour))
"""


class TryFigures(NamedTuple):
    """Numbers of tries by outcome, and times in ms. Unknown ones include those whose worker was lost."""

    accepted: int = 0
    rejected: int = 0
    unknown: int = 0
    not_sent: int = 0
    half_ms: int | None = None
    most_ms: int | None = None  # 95 % were as fast or faster

    @property
    def total(self) -> int:
        return self.accepted + self.rejected + self.unknown + self.not_sent

    @property
    def accepted_share(self) -> float:
        """From 0 to 100."""
        return 100 * self.accepted / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Figures:
    """`counted_from`: later than `start` if there were too many tries to count all of them."""

    start: datetime
    end: datetime
    counted_from: datetime
    by_endpoint: Mapping[int, TryFigures]
    by_hour: Mapping[datetime, TryFigures]

    @property
    def is_cut(self) -> bool:
        return self.counted_from > self.start


def read_try_figures(
    start: datetime, end: datetime, *, endpoint_ids: Sequence[int] | None, most: int = MAX_TRIES
) -> Figures:
    """`endpoint_ids` None: of all endpoints. Two statements."""
    counted_from = _find_bound(start, end, most=most) or start
    ids = None if endpoint_ids is None else array_literal(endpoint_ids)
    with connection.cursor() as cursor:
        cursor.execute(READ, {"start": counted_from, "end": end, "endpoints": ids})
        rows = cursor.fetchall()
    return Figures(
        start=start,
        end=end,
        counted_from=counted_from,
        by_endpoint={row[0]: TryFigures(*row[2:]) for row in rows if row[0] is not None},
        by_hour={row[1]: TryFigures(*row[2:]) for row in rows if row[0] is None},
    )


def _find_bound(start: datetime, end: datetime, *, most: int) -> datetime | None:
    """Return when the oldest of the newest `most` tries was started. None: there are no more."""
    tries = DeliveryTry.objects.filter(started_at__gte=start, started_at__lt=end)
    last = list(tries.order_by("-started_at").values_list("started_at", flat=True)[most - 1 : most + 1])
    return last[0] if len(last) > 1 else None
