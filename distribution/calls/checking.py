"""Asks the carrier about calls whose reports may be lost, and ends what lasts too long.

A line is freed when the carrier says that the call is over, or that it never had it. Time alone frees none: while the
carrier cannot be reached, lines and leads are kept.
"""

import logging
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Final

from django.db import InterfaceError, OperationalError, connection

from distribution import metrics
from distribution.calls.asking import Asked, ask
from distribution.calls.carrier import CarrierUnavailable
from distribution.calls.carriers import GetCarrier
from distribution.calls.check_times import LEASE
from distribution.calls.concluding import conclude, conclude_unanswered, conclude_unrequested
from distribution.calls.counting import count_check
from distribution.calls.hanging_up import hang_up_left_behind
from distribution.calls.reach import Reach
from distribution.calls.turns import Taken, Turns
from distribution.models import Call
from routing.queries import read_clock
from tracing.locks import is_lock_conflict

logger = logging.getLogger(__name__)

FIND_DUE: Final = """
SELECT id FROM distribution_call
WHERE ended_at IS NULL AND next_check_at <= %(at)s AND account_id <> ALL(%(without)s)
ORDER BY next_check_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
"""
# One at a time: what a process has taken and not checked would wait for the end of its lease.
TAKE: Final = f"""
UPDATE distribution_call SET next_check_at = %(until)s, checks = checks + 1 WHERE id = ({FIND_DUE})
RETURNING id, account_id
"""  # noqa: S608 - only a constant is put in


def check_due(
    *,
    limit: int,
    get_carrier: GetCarrier,
    clock: Callable[[], datetime] = read_clock,
    reach: Reach | None = None,
    turns: Turns | None = None,
) -> int:
    """Check at most `limit` calls that are due. Must run outside a transaction. Returns how many.

    `reach`: which carriers did not answer lately; None: nothing is known. `turns`: shared with the threads that check
    beside this one. Raises OperationalError and InterfaceError.
    """
    hang_up_left_behind(limit=limit, at=clock())
    reach, turns = reach or Reach(), turns or Turns()
    for count in range(limit):
        with turns.take(lambda without: _take(without, at=clock())) as taken:
            if taken is None:
                return count
            _check(taken.id, get_carrier=get_carrier, clock=clock, reach=reach)
    return limit


def _take(without: Collection[int], *, at: datetime) -> Taken | None:
    with connection.cursor() as cursor:
        cursor.execute(TAKE, {"at": at, "until": at + LEASE, "without": list(without)})
        row = cursor.fetchone()
    return None if row is None else Taken(*row)


def _check(call_id: int, *, get_carrier: GetCarrier, clock: Callable[[], datetime], reach: Reach) -> None:
    """A call that cannot be checked stops none of the others: its lease ends, and it is taken again."""
    call = Call.objects.select_related("account", "channel", "lead").get(pk=call_id)
    try:
        _check_one(call, get_carrier=get_carrier, clock=clock, reach=reach)
    except (OperationalError, InterfaceError) as error:
        if isinstance(error, InterfaceError) or not is_lock_conflict(error):
            raise
    except Exception as error:  # noqa: BLE001 - the one place that contains it
        extra = {"call": str(call.public_id), "cause": type(error).__name__}
        logger.error("calls.check_failed", extra=extra)
        metrics.DIALER_FAILURES.inc()
        count_check("failed")


def _check_one(call: Call, *, get_carrier: GetCarrier, clock: Callable[[], datetime], reach: Reach) -> None:
    if call.dialed_at is None:
        return conclude_unrequested(call.pk, at=clock())
    asked = _ask(call, get_carrier=get_carrier, reach=reach, at=clock())
    if asked is None:
        return conclude_unanswered(call.pk, at=clock())
    return conclude(call.pk, asked, at=clock())


def _ask(call: Call, *, get_carrier: GetCarrier, reach: Reach, at: datetime) -> Asked | None:
    """None: the carrier did not answer, or did not lately."""
    if not reach.is_open(call.account):
        return None
    try:
        with reach.asking(call.account):
            return ask(call, get_carrier(call.account), at=at)
    except CarrierUnavailable as error:
        extra = {"call": str(call.public_id), "problem": error.problem.value, "cause": error.code}
        logger.warning("calls.carrier_unavailable", extra=extra)
        return None
