"""Counts what happens to calls once it is committed: what is rolled back, and done again, counts once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from distribution import metrics
from distribution.calls.carrier import Dialed
from distribution.models import Call, UnverifiedEnd, Verification
from routing.dispatch.enqueue import after_commit
from routing.models import LeadVerification

GIVEN_UP: Final = {
    UnverifiedEnd.FAIL: "failed",
    UnverifiedEnd.SELL: "sold_unverified",
}
# With more free lines the moment at which one became free is long ago, and the lead's due time is later.
FEW_FREE: Final = 3
# When the channel was last full: with two free lines, its last but one end. Its oldest calls are not searched.
FIND_FREED: Final = """
SELECT latest.ended_at FROM (
    SELECT ended_at FROM distribution_call WHERE channel_id = %(channel)s ORDER BY id DESC LIMIT %(searched)s
) latest
WHERE latest.ended_at <= %(at)s ORDER BY latest.ended_at DESC OFFSET %(skipped)s LIMIT 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineGap:
    """When a call was written, and when it could have been.

    `free`: lines of its channel, with the one that it took. `possible_at`: when its lead was due, and the pace of
    channel and account allowed a call.
    """

    channel_id: int
    free: int
    lines: int
    possible_at: datetime
    at: datetime


def count_end(call: Call, *, by: str) -> None:
    """Needs the transaction in which it ends."""
    kind, outcome = str(call.kind), str(call.outcome)
    after_commit(lambda: metrics.CALLS_ENDED.labels(kind=kind, outcome=outcome, by=by).inc())


def count_verified(verification: Verification, *, how: LeadVerification, at: datetime) -> None:
    _count_verification("verified_by_hand" if how is LeadVerification.HAND else "verified")
    seconds = (at - verification.opened_at).total_seconds()
    after_commit(lambda: metrics.VERIFIED_SECONDS.observe(seconds))


def count_verified_after_its_end() -> None:
    """An operator verified the person of a lead that had failed. How long it took says nothing."""
    _count_verification("verified_by_hand")


def count_declined() -> None:
    _count_verification("declined")


def count_given_up(end: UnverifiedEnd) -> None:
    """One that waits for an operator is open. What they decide counts as its end."""
    if end is UnverifiedEnd.PERSON:
        after_commit(lambda: metrics.VERIFICATIONS_TO_PERSON.inc())
    else:
        _count_verification(GIVEN_UP[end])


def _count_verification(end: str) -> None:
    after_commit(lambda: metrics.VERIFICATIONS_ENDED.labels(end=end).inc())


def count_second_call() -> None:
    after_commit(lambda: metrics.SECOND_CALLS.inc())


def count_applied(kind: str, *, result: str) -> None:
    after_commit(lambda: metrics.CALL_WEBHOOKS.labels(kind=kind, result=result).inc())


def count_check(result: str) -> None:
    after_commit(lambda: metrics.CALL_CHECKS.labels(result=result).inc())


def count_dial(dialed: Dialed, *, seconds: float) -> None:
    metrics.DIALS.labels(outcome=dialed.outcome.value, problem=dialed.problem.value or "none").inc()
    metrics.DIAL_SECONDS.observe(seconds)


def observe_gap(gap: LineGap) -> None:
    """How long the call could have begun and did not. It reads: call it when nothing waits for it."""
    freed_at = _find_freed(gap) if gap.free <= FEW_FREE else None
    since = gap.possible_at if freed_at is None else max(gap.possible_at, freed_at)
    metrics.LINE_GAP_SECONDS.observe(max(0.0, (gap.at - since).total_seconds()))


def _find_freed(gap: LineGap) -> datetime | None:
    values: dict[str, Any] = {
        "channel": gap.channel_id,
        "searched": 2 * gap.lines + FEW_FREE,
        "skipped": gap.free - 1,
        "at": gap.at,
    }
    with connection.cursor() as cursor:
        cursor.execute(FIND_FREED, values)
        row = cursor.fetchone()
    return None if row is None else row[0]
