"""Writes the results of tries: the try, the delivery, the state of its endpoint, and the end of a direct post.

A result counts only if the delivery is still in that try (compare and set on state and number). A deliverer that comes
back after its lease ended changes nothing: the message was given to another try, with the same message id.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from distribution import metrics
from distribution.deliveries.enabling import note_failure, note_gone, note_success
from distribution.deliveries.ends import Next, decide_next
from distribution.deliveries.locks import lock_for_settling
from distribution.deliveries.settling import settle
from distribution.deliveries.tried import Tried
from distribution.deliveries.trying import is_success
from distribution.models import ENDED, DeliveryState, Method

logger = logging.getLogger(__name__)

RECORD: Final = """
WITH result AS (
    SELECT * FROM unnest(
        %(ids)s::bigint[], %(numbers)s::int[], %(states)s::text[], %(due)s::timestamptz[], %(ended)s::timestamptz[],
        %(reasons)s::text[], %(prices)s::bigint[], %(outcomes)s::text[], %(statuses)s::int[], %(durations)s::int[],
        %(request_heads)s::text[], %(request_bodies)s::text[], %(answer_heads)s::text[], %(answer_bodies)s::text[],
        %(errors)s::text[]
    ) AS r(id, number, state, due_at, ended_at, reason, price_cents, outcome, status_code, duration_ms,
        request_head, request_body, answer_head, answer_body, error)
), moved AS (
    UPDATE distribution_delivery d
    SET state = r.state, next_try_at = r.due_at, leased_until = NULL, ended_at = r.ended_at, end_reason = r.reason,
        price_cents = r.price_cents
    FROM result r
    WHERE d.id = r.id AND d.state = 'posting' AND d.tries = r.number
    RETURNING d.id
), finished AS (
    UPDATE distribution_deliverytry t
    SET finished_at = %(at)s, outcome = r.outcome, status_code = r.status_code, duration_ms = r.duration_ms,
        request_head = r.request_head, request_body = r.request_body, answer_head = r.answer_head,
        answer_body = r.answer_body, error = r.error
    FROM result r JOIN moved m ON m.id = r.id
    WHERE t.delivery_id = r.id AND t.number = r.number
    RETURNING t.id
)
SELECT m.id, (SELECT count(*) FROM finished) FROM moved m
"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """`due_lead_ids`: leads that the end of a direct post made due at once. Distribute them after the commit."""

    count: int
    due_lead_ids: tuple[int, ...] = ()


def record_results(tries: Sequence[Tried], *, at: datetime) -> Recorded:
    """Write results. Those without money in one transaction, each end of a direct post in one of its own.

    Raises django.db.Error; then nothing of the failed transaction was written, and the call may be repeated.
    """
    decided = [(each, decide_next(each.work.claimed, each.judgment, at=at)) for each in tries]
    plain = [pair for pair in decided if not _settles(*pair)]
    count = _record_plain(plain, at=at) if plain else 0
    due: list[int] = []
    for tried, following in decided:
        if _settles(tried, following):
            is_moved, lead_id = _record_direct(tried, following, at=at)
            count += is_moved
            due += [lead_id] if lead_id is not None else []
    return Recorded(count, tuple(due))


def _settles(tried: Tried, following: Next) -> bool:
    return tried.work.claimed.is_direct_post and following.state in ENDED


def _record_plain(pairs: Sequence[tuple[Tried, Next]], *, at: datetime) -> int:
    with transaction.atomic():
        moved = _write(pairs, at=at)
        written = [pair for pair in pairs if pair[0].work.claimed.id in moved]
        # A canceled one was not tried, so it says nothing about its endpoint.
        _note_endpoints((tried for tried, end in written if end.state != DeliveryState.CANCELLED), at=at)
    _report(pairs, moved)
    return len(moved)


def _record_direct(tried: Tried, following: Next, *, at: datetime) -> tuple[bool, int | None]:
    claimed = tried.work.claimed
    assert claimed.assignment_id is not None  # noqa: S101 - a constraint says so
    with transaction.atomic():
        lock_for_settling(claimed.lead_id)
        moved = _write([(tried, following)], at=at)
        lead_id = None
        if moved:
            lead_id = settle(claimed.assignment_id, state=following.state, reason=following.reason, at=at)
            _note_endpoints([tried], at=at)
    _report([(tried, following)], moved)
    return bool(moved), lead_id


def _write(pairs: Sequence[tuple[Tried, Next]], *, at: datetime) -> frozenset[int]:
    """Returns the ids of the deliveries that were still in their try."""
    columns: dict[str, Any] = {
        "at": at,
        "ids": [tried.work.claimed.id for tried, _ in pairs],
        "numbers": [tried.work.claimed.number for tried, _ in pairs],
        "states": [following.state.value for _, following in pairs],
        "due": [following.due_at for _, following in pairs],
        "ended": [at if following.state in ENDED else None for _, following in pairs],
        "reasons": [following.reason[:200] for _, following in pairs],
        "prices": [tried.judgment.price_cents for tried, _ in pairs],
        "outcomes": [tried.judgment.outcome.value for tried, _ in pairs],
        "statuses": [tried.status_code for tried, _ in pairs],
        "durations": [tried.duration_ms for tried, _ in pairs],
        "request_heads": [tried.texts.request_head for tried, _ in pairs],
        "request_bodies": [tried.texts.request_body for tried, _ in pairs],
        "answer_heads": [tried.texts.answer_head for tried, _ in pairs],
        "answer_bodies": [tried.texts.answer_body for tried, _ in pairs],
        "errors": [tried.judgment.error[:100] for tried, _ in pairs],
    }
    with connection.cursor() as cursor:
        cursor.execute(RECORD, columns)
        return frozenset(delivery_id for delivery_id, _ in cursor.fetchall())


def _note_endpoints(tries: Iterable[Tried], *, at: datetime) -> None:
    """Endpoints in ascending order: two transactions that write the same ones cannot wait for each other."""
    by_endpoint: dict[int, list[Tried]] = defaultdict(list)
    for tried in tries:
        by_endpoint[tried.work.claimed.endpoint_id].append(tried)
    for endpoint_id, its in sorted(by_endpoint.items()):
        if any(tried.judgment.disables_endpoint for tried in its):
            note_gone(endpoint_id, at=at)
        elif any(map(is_success, its)):
            note_success(endpoint_id, at=at)
        else:
            note_failure(endpoint_id, at=at)


def _report(pairs: Sequence[tuple[Tried, Next]], moved: frozenset[int]) -> None:
    for tried, following in pairs:
        claimed = tried.work.claimed
        facts = {
            "delivery": str(claimed.message_id),
            "number": claimed.number,
            "outcome": tried.judgment.outcome.value,
            "cause": tried.judgment.error,
            "status_code": tried.status_code,
            "duration_ms": tried.duration_ms,
        }
        if claimed.id not in moved:
            logger.warning("deliveries.lease_lost", extra=facts)
            continue
        method = Method(tried.work.endpoint.method).value
        metrics.DELIVERY_TRIES.labels(method=method, outcome=tried.judgment.outcome.value).inc()
        metrics.DELIVERY_SECONDS.labels(method=method).observe(tried.duration_ms / 1000)
        if following.due_at is None:
            metrics.DELIVERIES_ENDED.labels(state=following.state.value).inc()
        logger.info("deliveries.tried", extra={**facts, "state": following.state.value})
