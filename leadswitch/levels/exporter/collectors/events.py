"""Messages of events for subscribers, by kind of event: those that wait, and those that no subscriber got.

They are read from PostgreSQL, where triggers write them and several processes end them.
"""

from typing import Final

from distribution.deliveries.ends import GIVEN_UP
from distribution.models import EventKind
from leadswitch.levels.exporter.series import CollectorRow, Series, Values
from leadswitch.levels.rows import fetch_rows

# Of each subscription: a pile at one of them costs no more than a few messages.
COUNTED_TO: Final = 1_000
LOST_TO: Final = 10_000

WAITING: Final = Series(
    "leadswitch_events_waiting",
    "Messages of events that wait for a try, by kind of event, at subscriptions that are on. Counted up to"
    f" {COUNTED_TO:,} of each subscription.",
    "kind",
)
OLDEST_WAITING: Final = Series(
    "leadswitch_event_oldest_waiting_age_seconds",
    "How long ago the oldest event of them happened, by kind; 0: none waits.",
    "kind",
)
LOST: Final = Series(
    "leadswitch_events_lost",
    "Messages of events that ended in the last hour without an acceptance, because the subscriber rejected them or"
    f" every try failed, by kind of event. Counted up to {LOST_TO:,}.",
    "kind",
)

# Those that are tried next, through the index of due messages of each subscription: its order, and not only that of all
# due messages, among which a pile of leads may come first.
COUNT_WAITING: Final = """
SELECT e.kind, count(*), max(extract(epoch FROM statement_timestamp() - e.happened_at))::float
FROM distribution_endpoint t
CROSS JOIN LATERAL (
    SELECT d.event_id FROM distribution_delivery d
    WHERE d.endpoint_id = t.id AND d.state = 'pending' ORDER BY d.next_try_at, d.id LIMIT %(limit)s
) waiting
JOIN distribution_event e ON e.id = waiting.event_id
WHERE t.events <> '{}' AND t.active AND t.disabled_at IS NULL
GROUP BY e.kind
"""
# Its owner ended the subscription of other canceled messages.
COUNT_LOST: Final = """
SELECT e.kind, count(*) FROM (
    SELECT d.event_id FROM distribution_delivery d
    WHERE d.event_id IS NOT NULL AND d.ended_at IS NOT NULL AND d.state IN ('rejected', 'cancelled')
        AND d.ended_at > statement_timestamp() - interval '1 hour'
        AND (d.state = 'rejected' OR d.end_reason = %(given_up)s)
    LIMIT %(limit)s
) lost
JOIN distribution_event e ON e.id = lost.event_id
GROUP BY e.kind
"""


def read() -> Values:
    waiting = fetch_rows(COUNT_WAITING, {"limit": COUNTED_TO})
    lost = fetch_rows(COUNT_LOST, {"given_up": GIVEN_UP, "limit": LOST_TO})
    none = dict.fromkeys(EventKind.values, 0)
    return {
        WAITING: {**none, **{kind: count for kind, count, _ in waiting}},
        OLDEST_WAITING: {**none, **{kind: seconds for kind, _, seconds in waiting}},
        LOST: {**none, **dict(lost)},
    }


EVENTS: Final = CollectorRow("events", (WAITING, OLDEST_WAITING, LOST), read)
