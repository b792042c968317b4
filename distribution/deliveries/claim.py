"""Claims due deliveries for this process, and writes the row of each try before anything is sent.

A claim is one transaction. It takes at most `max_in_flight` of an endpoint, and of all endpoints first those that have
the fewest requests running: a buyer with a pile of messages, or a slow one, holds nobody up. The lead of a sale that
was taken back is not claimed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from psycopg.pq import Format

from distribution.attempts.taken_back import IS_TAKEN_BACK
from distribution.deliveries.locks import lock_claims

# Beyond the timeout of the endpoint: for what comes before and after the request.
LEASE_MARGIN_SECONDS: Final = 20
# A daily CSV has all leads of a day in one message.
CSV_ROWS: Final = 2_000

# The endpoints for which messages wait, one step in the index each: nearly all endpoints have none.
WAITING: Final = """waiting(endpoint_id) AS (
    SELECT min(d.endpoint_id) FROM distribution_delivery d WHERE d.state = 'pending'
    UNION ALL
    SELECT (
        SELECT min(d.endpoint_id) FROM distribution_delivery d
        WHERE d.state = 'pending' AND d.endpoint_id > waiting.endpoint_id
    ) FROM waiting WHERE waiting.endpoint_id IS NOT NULL
)"""
# A subscriber that answers slowly must not hold up leads.
RUNNING_EVENTS: Final = (
    "SELECT FROM distribution_delivery d WHERE d.state = 'posting' AND d.event_id IS NOT NULL"
)
ANY_NUMBER: Final = 2**31 - 1

# Needs the lock of claims, taken by an earlier statement: this one must see what the claim before it wrote.
CLAIM: Final = f"""
WITH RECURSIVE {WAITING}, now AS MATERIALIZED (
    SELECT COALESCE(%(at)s::timestamptz, clock_timestamp()) AS at
), endpoint AS MATERIALIZED (
    SELECT e.id, e.timeout_seconds, e.events <> '{{}}' AS is_event, running.count AS running,
        CASE WHEN NOT %(csv)s THEN e.max_in_flight - running.count
             WHEN running.count = 0 THEN %(limit)s ELSE 0 END AS room
    FROM now, waiting JOIN distribution_endpoint e ON e.id = waiting.endpoint_id, LATERAL (
        SELECT count(*) FROM distribution_delivery d WHERE d.endpoint_id = e.id AND d.state = 'posting'
    ) AS running
    WHERE e.active AND e.disabled_at IS NULL AND (e.method = 'csv') = %(csv)s AND EXISTS (
        SELECT FROM distribution_delivery d
        WHERE d.endpoint_id = e.id AND d.state = 'pending' AND d.next_try_at <= now.at
    )
), ranked AS MATERIALIZED (
    SELECT due.id, due.next_try_at, endpoint.timeout_seconds, endpoint.is_event,
        CASE WHEN %(csv)s THEN endpoint.id ELSE endpoint.running + due.place END AS rank
    FROM endpoint, LATERAL (
        SELECT waiting.id, waiting.next_try_at, row_number() OVER (ORDER BY waiting.next_try_at, waiting.id) AS place
        FROM (
            SELECT d.id, d.next_try_at FROM distribution_delivery d, now
            WHERE d.endpoint_id = endpoint.id AND d.state = 'pending' AND d.next_try_at <= now.at
                AND NOT {IS_TAKEN_BACK}
            ORDER BY d.next_try_at, d.id
            LIMIT LEAST(GREATEST(endpoint.room, 0), %(limit)s)
            FOR NO KEY UPDATE OF d SKIP LOCKED
        ) AS waiting
    ) AS due
), due AS MATERIALIZED (
    SELECT id, timeout_seconds FROM (
        SELECT r.*, row_number() OVER (PARTITION BY is_event ORDER BY rank, next_try_at, id) AS turn FROM ranked r
    ) AS turns
    WHERE NOT is_event OR turn <= %(most_events)s - (SELECT count(*) FROM ({RUNNING_EVENTS}) AS running)
    ORDER BY rank, next_try_at, id
    LIMIT %(limit)s
), claimed AS (
    UPDATE distribution_delivery d
    SET state = 'posting', next_try_at = NULL, tries = d.tries + 1,
        leased_until = clock_timestamp() + make_interval(secs => due.timeout_seconds + %(margin)s),
        first_try_at = COALESCE(d.first_try_at, now.at)
    FROM due, now
    WHERE d.id = due.id AND d.state = 'pending'
    RETURNING d.*
), begun AS (
    INSERT INTO distribution_deliverytry (delivery_id, number, started_at)
    SELECT claimed.id, claimed.tries, now.at FROM claimed, now
), version AS (
    SELECT e.id, concat_ws('.', e.xmin, e.ctid, b.xmin, b.ctid, s.xmin, s.ctid, w.xmin, w.ctid, (
        SELECT string_agg(concat_ws(':', own.xmin, own.ctid), ';' ORDER BY own.id)
        FROM distribution_endpointsecret own, now
        WHERE own.endpoint_id = e.id AND (own.expires_at IS NULL OR own.expires_at > now.at)
    )) AS text
    FROM (SELECT DISTINCT endpoint_id FROM claimed) used
    JOIN distribution_endpoint e ON e.id = used.endpoint_id
    JOIN routing_workspace w ON w.id = e.workspace_id
    LEFT JOIN distribution_buyer b ON b.id = e.buyer_id
    LEFT JOIN routing_source s ON s.id = e.source_id
)
SELECT c.id, c.tries, c.message_id, c.endpoint_id, c.lead_id, c.assignment_id, c.event_id IS NOT NULL,
    c.is_direct_post, c.is_test, c.created_at, CASE WHEN %(csv)s THEN c.first_try_at END, version.text
FROM claimed c JOIN version ON version.id = c.endpoint_id
ORDER BY c.endpoint_id, c.id
"""  # noqa: S608 - only a condition is put in


@dataclass(frozen=True, slots=True)
class Claimed:
    """One try that this process makes.

    `csv_first_tried_at`: when the daily CSV that has this row was first tried, which names the CSV at its endpoint: the
    rows that were claimed together are tried again together. None: it is a message of its own.

    `endpoint_version`: of all rows that say how and where the endpoint gets its messages. It differs after any change.
    """

    id: int
    number: int
    message_id: UUID
    endpoint_id: int
    lead_id: int | None
    assignment_id: int | None
    is_event: bool
    is_direct_post: bool
    is_test: bool
    created_at: datetime
    csv_first_tried_at: datetime | None = None
    endpoint_version: str = ""

    @property
    def seed(self) -> int:
        """Of the waits between tries: the same for each try of a message, and for each row of a CSV."""
        if self.csv_first_tried_at is None:
            return self.message_id.int & 0xFFFF_FFFF
        return int(self.csv_first_tried_at.timestamp() * 1_000_000) + self.endpoint_id


def claim_due(*, limit: int, most_events: int = ANY_NUMBER, at: datetime | None = None) -> Sequence[Claimed]:
    """Claim at most `limit` due deliveries, and commit. `at` None: now, by the database's clock.

    `most_events`: how many events may be on their way at once, of all deliverers.
    """
    return _claim(limit=limit, most_events=most_events, is_csv=False, at=at)


def claim_csv(*, at: datetime | None = None) -> Sequence[Claimed]:
    """Claim what goes into daily CSVs. Those of one endpoint go into one message."""
    return _claim(limit=CSV_ROWS, most_events=0, is_csv=True, at=at)


def _claim(*, limit: int, most_events: int, is_csv: bool, at: datetime | None) -> Sequence[Claimed]:
    parameters = {
        "limit": limit,
        "most_events": most_events,
        "csv": is_csv,
        "at": at,
        "margin": LEASE_MARGIN_SECONDS,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        lock_claims()
        cursor.cursor.format = Format.BINARY  # as text the driver reads times with a regular expression
        cursor.execute(CLAIM, parameters)
        return [Claimed(*row) for row in cursor.fetchall()]


# Deliveries of endpoints that are off wait until a person turns them on.
NEXT_DUE: Final = f"""
WITH RECURSIVE {WAITING}
SELECT extract(epoch FROM min(first.next_try_at) - clock_timestamp())
FROM waiting JOIN distribution_endpoint e ON e.id = waiting.endpoint_id, LATERAL (
    SELECT d.next_try_at FROM distribution_delivery d
    WHERE d.endpoint_id = e.id AND d.state = 'pending' AND NOT {IS_TAKEN_BACK} ORDER BY d.next_try_at LIMIT 1
) AS first
WHERE e.active AND e.disabled_at IS NULL AND e.method <> 'csv'
    AND (SELECT count(*) FROM distribution_delivery d WHERE d.endpoint_id = e.id AND d.state = 'posting')
        < e.max_in_flight
    AND (e.events = '{{}}' OR (SELECT count(*) FROM ({RUNNING_EVENTS}) AS running) < %s)
"""  # noqa: S608 - only conditions are put in


def read_seconds_until_due(*, most_events: int = ANY_NUMBER) -> float | None:
    """Until the next delivery of an endpoint with room is due; below 0 if one is. None: there is none.

    `most_events`: as of the claim. Daily CSVs are not among them.
    """
    with connection.cursor() as cursor:
        cursor.execute(NEXT_DUE, [most_events])
        (seconds,) = cursor.fetchone()
    return None if seconds is None else float(seconds)
