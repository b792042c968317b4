"""Writes the results of tries: the try, the delivery, the state of its endpoint, and the end of a direct post.

What follows from a result is decided under the lock of its delivery. A deliverer that comes back after its lease ended
writes its try. The delivery was given to another try, with the same message id, so only an acceptance changes it.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from django.db import connection, transaction

from distribution import metrics
from distribution.attempts.hide_person import hide_named_person
from distribution.attempts.taken_back import TAKEN_BACK
from distribution.deliveries.claim import Claimed
from distribution.deliveries.content import NOT_READ
from distribution.deliveries.enabling import note_failure, note_gone, note_success
from distribution.deliveries.ends import NO_TEST_ADDRESS, NO_THREAD, Next, decide_next
from distribution.deliveries.locks import lock_for_settling
from distribution.deliveries.payloads.ends import Outcome
from distribution.deliveries.settling import DECIDED, report_if_released, settle
from distribution.deliveries.standing import Standing, lock_standings
from distribution.deliveries.tried import Tried
from distribution.deliveries.trying import is_success
from distribution.models import ENDED, DeliveryTry, Method, TryOutcome
from tracing.plainvalues import make_text

logger = logging.getLogger(__name__)

# Needs lock_standings. A row without a state leaves its delivery unchanged.
RECORD: Final = """
WITH result AS (
    SELECT * FROM json_to_recordset(%(results)s::json) AS r(
        id bigint, number int, state text, due_at timestamptz, ended_at timestamptz, reason text, price_cents bigint,
        outcome text, status_code int, duration_ms int, request_head text, request_body text, answer_head text,
        answer_body text, error text
    )
), moved AS (
    UPDATE distribution_delivery d
    SET state = r.state, next_try_at = r.due_at, leased_until = NULL, ended_at = r.ended_at, end_reason = r.reason,
        price_cents = r.price_cents
    FROM result r
    WHERE d.id = r.id AND r.state IS NOT NULL
)
UPDATE distribution_deliverytry t
SET finished_at = %(at)s, outcome = r.outcome, status_code = r.status_code, duration_ms = r.duration_ms,
    request_head = r.request_head, request_body = r.request_body, answer_head = r.answer_head,
    answer_body = r.answer_body, error = r.error
FROM result r
WHERE t.delivery_id = r.id AND t.number = r.number AND t.outcome IN ('', 'worker_lost')
"""


# The error of a try that runs while the late result of another one ends the delivery.
ENDED_BY_ANOTHER: Final = "ended_by_another_try"
MAX_REASON: Final = 200
MAX_ERROR: Final = 100
# Why something was not sent, that is no fault of the endpoint: a test without a test address, a sale that was returned
# after the claim, a deliverer without a free thread, a message that cannot be read.
NOT_OF_THE_ENDPOINT: Final = (NO_TEST_ADDRESS, TAKEN_BACK, NO_THREAD, NOT_READ)
# A delivery that was deleted: nothing is left to be written.
GONE: Final = Standing(is_current=False, is_recorded=True)


@dataclass(frozen=True, slots=True)
class Recorded:
    """`due_lead_ids`: leads that the end of a direct post made due at once. Distribute them after the commit."""

    count: int
    due_lead_ids: tuple[int, ...] = ()


def record_results(tries: Sequence[Tried], *, at: datetime) -> Recorded:
    """Write results. Those without money together, and each of a direct post in a transaction of its own.

    Raises django.db.Error; then nothing of the failed transaction was written, and the call may be repeated.
    """
    count, due = 0, []
    for batch in _split([each for each in tries if not each.work.claimed.is_direct_post]):
        count += _record_plain(batch, at=at)
    for tried in tries:
        if tried.work.claimed.is_direct_post:
            result, lead_id = _record_direct(tried, at=at)
            count += result.is_moved
            due += [lead_id] if lead_id is not None else []
    return Recorded(count, tuple(due))


def _split(tries: Sequence[Tried]) -> list[list[Tried]]:
    """A late result and the one of the next try are written one after the other."""
    batches: list[dict[int, Tried]] = [{}]
    for tried in tries:
        delivery_id = tried.work.claimed.id
        if all(delivery_id in batch for batch in batches):
            batches.append({})
        next(batch for batch in batches if delivery_id not in batch)[delivery_id] = tried
    return [list(batch.values()) for batch in batches if batch]


@dataclass(frozen=True, slots=True)
class _Result:
    """A try, its delivery as it was found under the lock, and what follows. `following` None: nothing changes."""

    tried: Tried
    standing: Standing
    following: Next | None

    @property
    def is_moved(self) -> bool:
        return self.following is not None

    @property
    def is_written(self) -> bool:
        return not self.standing.is_recorded

    def describe(self, *, at: datetime) -> Mapping[str, Any]:
        """One row of RECORD."""
        claimed, judgment, texts = self.tried.work.claimed, self.tried.judgment, self.tried.texts
        following = self.following
        return {
            "id": claimed.id,
            "number": claimed.number,
            "state": following and following.state.value,
            "due_at": following and following.due_at,
            "ended_at": at if following is not None and following.state in ENDED else None,
            "reason": make_text(_write_reason(self))[:MAX_REASON],
            "price_cents": judgment.price_cents,
            "outcome": judgment.outcome.value,
            "status_code": self.tried.status_code,
            "duration_ms": self.tried.duration_ms,
            "request_head": texts.request_head,
            "request_body": texts.request_body,
            "answer_head": texts.answer_head,
            "answer_body": texts.answer_body,
            "error": judgment.error[:MAX_ERROR],
        }

    @property
    def says_how_it_works(self) -> bool:
        """Whether the endpoint works. What was not sent for another reason says nothing about it."""
        return self.is_written and self.tried.judgment.error not in NOT_OF_THE_ENDPOINT


def _record_plain(tries: Sequence[Tried], *, at: datetime) -> int:
    with transaction.atomic():
        results = _decide(tries, at=at)
        _write(results, at=at)
        _note_endpoints([each for each in results if each.says_how_it_works], at=at)
    for each in results:
        _report(each)
    return sum(each.is_moved for each in results)


def _record_direct(tried: Tried, *, at: datetime) -> tuple[_Result, int | None]:
    """Returns the id of the lead too, if it is due at once."""
    claimed = tried.work.claimed
    with transaction.atomic():
        lock_for_settling(claimed.lead_id)
        [result] = _decide([tried], at=at)
        _write([result], at=at)
        lead_id = _settle(result, at=at)
        _note_endpoints([result] if result.says_how_it_works else [], at=at)
    _report(result)
    return result, lead_id


def _settle(result: _Result, *, at: datetime) -> int | None:
    claimed, following = result.tried.work.claimed, result.following
    assert claimed.assignment_id is not None  # noqa: S101 - a constraint says so
    if following is not None and following.state in DECIDED:
        return settle(
            claimed.assignment_id,
            lead_id=claimed.lead_id,
            state=following.state,
            reason=following.reason,
            at=at,
        )
    if result.is_written and result.tried.judgment.outcome is Outcome.ACCEPTED:
        report_if_released(claimed.assignment_id)
    return None


def _decide(tries: Sequence[Tried], *, at: datetime) -> list[_Result]:
    """Locks the deliveries."""
    standings = lock_standings([each.work.claimed for each in tries])
    results = []
    for tried in tries:
        claimed = tried.work.claimed
        standing = standings.get(claimed.id, GONE)
        results.append(_Result(tried, standing, decide_next(claimed, tried.judgment, standing, at=at)))
    return results


def _write(results: Sequence[_Result], *, at: datetime) -> None:
    written = orjson.dumps([each.describe(at=at) for each in results]).decode()
    with connection.cursor() as cursor:
        cursor.execute(RECORD, {"at": at, "results": written})
    for each in results:
        if each.is_moved and not each.standing.is_current:
            _close_running_try(each.tried.work.claimed, at=at)


def _close_running_try(claimed: Claimed, *, at: datetime) -> None:
    """A late acceptance ended the delivery, so no lease ends its running try. A result of it is still written."""
    running = DeliveryTry.objects.filter(delivery_id=claimed.id, finished_at__isnull=True)
    running.update(finished_at=at, outcome=TryOutcome.WORKER_LOST, error=ENDED_BY_ANOTHER)


def _write_reason(result: _Result) -> str:
    """Lists show it and it is never removed, so the buyer's words are kept without what identifies the person."""
    reason = "" if result.following is None else result.following.reason
    lead = result.tried.work.lead
    if not reason or lead is None or reason != result.tried.judgment.reason:
        return reason  # a code of ours
    return hide_named_person(reason, name=lead.full_name, address=lead.address)


def _note_endpoints(results: Iterable[_Result], *, at: datetime) -> None:
    """Endpoints in ascending order: two transactions that write the same ones cannot wait for each other."""
    by_endpoint: dict[int, list[_Result]] = defaultdict(list)
    for result in results:
        by_endpoint[result.tried.work.claimed.endpoint_id].append(result)
    for endpoint_id, its in sorted(by_endpoint.items()):
        _note_endpoint(endpoint_id, its, at=at)


def _note_endpoint(endpoint_id: int, results: Sequence[_Result], *, at: datetime) -> None:
    tries = [each.tried for each in results]
    if any(tried.judgment.disables_endpoint for tried in tries):
        note_gone(endpoint_id, at=at)
    elif not any(map(is_success, tries)):
        note_failure(endpoint_id, at=at)
    elif not all(each.standing.is_known_to_work for each in results):
        note_success(endpoint_id, at=at)


def _report(result: _Result) -> None:
    """After the commit."""
    tried, following = result.tried, result.following
    claimed = tried.work.claimed
    facts = {
        "delivery": str(claimed.message_id),
        "number": claimed.number,
        "outcome": tried.judgment.outcome.value,
        "cause": tried.judgment.error,
        "status_code": tried.status_code,
        "duration_ms": tried.duration_ms,
    }
    if not result.standing.is_current:
        logger.warning("deliveries.lease_lost", extra=facts)
    if result.is_written:
        method = Method(tried.work.endpoint.method).value
        metrics.DELIVERY_TRIES.labels(method=method, outcome=tried.judgment.outcome.value).inc()
        metrics.DELIVERY_SECONDS.labels(method=method).observe(tried.duration_ms / 1000)
    if following is not None:
        if following.due_at is None:
            metrics.DELIVERIES_ENDED.labels(state=following.state.value).inc()
        logger.info("deliveries.tried", extra={**facts, "state": following.state.value})
