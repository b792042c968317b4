"""How deliveries, holds and return requests are doing: what the exporter, the alerts and `manage.py deliveries` show.

Reads only, through indexes of what is open: finished deliveries cost nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from leadswitch.levels.delivery_limits import (
    DELIVERER_ALIVE_SECONDS,
    FAILED_MESSAGES,
    FAILING_MINUTES,
    HALTED_SECONDS,
    HOLD_HOURS,
    RETURN_DAYS,
    UNKNOWN_HOURS,
)
from leadswitch.levels.exporter.collectors.limits import COUNTED_TO
from leadswitch.levels.rows import fetch_row, fetch_rows

# A pile that nobody has tried is not searched further.
NEWEST_MESSAGES: Final = 200
OLDEST_UNKNOWN: Final = 1_000

COUNT_DELIVERERS: Final = """
SELECT count(*) FROM distribution_deliverer
WHERE seen_at > statement_timestamp() - make_interval(secs => %(alive)s)
"""
# Messages of an endpoint that is off wait for a person, not for a deliverer. They use up the limit too.
COUNT_DUE: Final = """
SELECT count(*), coalesce(extract(epoch FROM statement_timestamp() - min(due.next_try_at)), 0)::float
FROM (
    SELECT endpoint_id, next_try_at FROM distribution_delivery
    WHERE state = 'pending' AND next_try_at <= statement_timestamp()
    ORDER BY next_try_at LIMIT %(limit)s
) due
JOIN distribution_endpoint e ON e.id = due.endpoint_id
WHERE e.active AND e.disabled_at IS NULL
"""
LAST_TRY: Final = """
SELECT extract(epoch FROM statement_timestamp() - started_at)::float
FROM distribution_deliverytry ORDER BY id DESC LIMIT 1
"""
# Without a success for a while, and with failures of several messages since. Only such endpoints are looked into.
IS_FAILING: Final = """
CASE WHEN e.failing_since < statement_timestamp() - make_interval(mins => %(failing)s) THEN (
    SELECT count(*) FILTER (WHERE newest.failed) >= %(messages)s
        OR count(*) FILTER (WHERE newest.tries = 0) = %(newest)s
    FROM (
        SELECT d.tries, (
            SELECT max(t.finished_at) FROM distribution_deliverytry t WHERE t.delivery_id = d.id
        ) >= e.failing_since AS failed
        FROM distribution_delivery d WHERE d.endpoint_id = e.id ORDER BY d.id DESC LIMIT %(newest)s
    ) newest
) ELSE false END
"""
# The same of an endpoint that is asked for bids: its buyer has no answer in several auctions since.
IS_SILENT: Final = """
CASE WHEN e.failing_since < statement_timestamp() - make_interval(mins => %(failing)s) THEN (
    SELECT count(*) >= %(messages)s FROM (
        SELECT b.bid_outcome, b.asked_at FROM distribution_offerbuyer b
        JOIN distribution_offer o ON o.id = b.offer_id
        WHERE b.buyer_id = e.buyer_id AND (e.campaign_id IS NULL OR e.campaign_id = o.campaign_id)
        ORDER BY b.id DESC LIMIT %(newest)s
    ) newest
    WHERE newest.asked_at >= e.failing_since AND newest.bid_outcome IN ('timeout', 'error')
) ELSE false END
"""
COUNT_ENDPOINTS: Final = f"""
SELECT count(*), count(*) FILTER (WHERE CASE WHEN e.purpose = 'ping' THEN {IS_SILENT} ELSE {IS_FAILING} END)
FROM distribution_endpoint e
WHERE e.active AND e.disabled_at IS NULL
"""  # noqa: S608 - only constants are put in
# A delivery waits for a person since its last try. The first by id are about the oldest.
COUNT_UNKNOWN: Final = """
SELECT
    (SELECT count(*) FROM (
        SELECT FROM distribution_delivery WHERE state = 'unknown' LIMIT %(limit)s
    ) counted),
    (SELECT coalesce(extract(epoch FROM statement_timestamp() - min(waiting.since)), 0)::float FROM (
        SELECT (
            SELECT max(t.finished_at) FROM distribution_deliverytry t WHERE t.delivery_id = d.id
        ) AS since
        FROM distribution_delivery d WHERE d.state = 'unknown' ORDER BY d.id LIMIT %(oldest)s
    ) waiting)
"""
COUNT_HOLDS: Final = """
SELECT count(*), coalesce(extract(epoch FROM statement_timestamp() - min(held.created_at)), 0)::float
FROM (SELECT created_at FROM distribution_assignment WHERE state = 'held' ORDER BY id LIMIT %(limit)s) held
"""
COUNT_RETURNS: Final = """
SELECT count(*), coalesce(extract(epoch FROM statement_timestamp() - min(waiting.requested_at)), 0)::float
FROM (
    SELECT requested_at FROM distribution_returnrequest WHERE state = 'requested'
    ORDER BY requested_at, id LIMIT %(limit)s
) waiting
"""
VALUES: Final = {
    "alive": DELIVERER_ALIVE_SECONDS,
    "limit": COUNTED_TO,
    "failing": FAILING_MINUTES,
    "messages": FAILED_MESSAGES,
    "newest": NEWEST_MESSAGES,
    "oldest": OLDEST_UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many wait, and for how long the oldest does; 0 if none waits."""

    count: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryState:
    """`endpoints` are those that are on. `last_try_seconds` None: nothing was ever sent."""

    deliverers: int
    endpoints: int
    failing: int
    last_try_seconds: float | None
    due: Waiting
    unknown: Waiting
    holds: Waiting
    returns: Waiting

    @property
    def is_halted(self) -> bool:
        is_quiet = self.last_try_seconds is None or self.last_try_seconds > HALTED_SECONDS
        return self.due.oldest_seconds > HALTED_SECONDS and is_quiet


def read_deliveries() -> DeliveryState:
    (deliverers,) = fetch_row(COUNT_DELIVERERS, VALUES)
    endpoints, failing = fetch_row(COUNT_ENDPOINTS, VALUES)
    return DeliveryState(
        deliverers=deliverers,
        endpoints=endpoints,
        failing=failing,
        last_try_seconds=next((seconds for (seconds,) in fetch_rows(LAST_TRY)), None),
        due=Waiting(*fetch_row(COUNT_DUE, VALUES)),
        unknown=Waiting(*fetch_row(COUNT_UNKNOWN, VALUES)),
        holds=Waiting(*fetch_row(COUNT_HOLDS, VALUES)),
        returns=Waiting(*fetch_row(COUNT_RETURNS, VALUES)),
    )


def find_delivery_problems(state: DeliveryState) -> Iterator[str]:
    """What `manage.py deliveries` reports, at the limits of the alerts."""
    if state.endpoints and not state.deliverers:
        yield f"No deliverer has sent a heartbeat in the last {DELIVERER_ALIVE_SECONDS} s. Start one."
    if state.is_halted:
        yield f"Due messages: {state.due.count:,}. None was tried in the last {HALTED_SECONDS // 60} minutes."
    if state.failing:
        yield f"Endpoints without a success for {FAILING_MINUTES} minutes: {state.failing:,}. Ask their buyers."
    for what, waiting, limit, unit, seconds in (
        ("Messages that wait for a person to decide", state.unknown, UNKNOWN_HOURS, "hours", 3_600),
        ("Open holds", state.holds, HOLD_HOURS, "hours", 3_600),
        ("Return requests that wait for review", state.returns, RETURN_DAYS, "days", 86_400),
    ):
        if waiting.oldest_seconds > limit * seconds:
            yield f"{what}: {waiting.count:,}. The oldest has waited for over {limit} {unit}."
