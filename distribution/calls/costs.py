"""Asks the carrier what answered calls cost. It knows that minutes after their end, and does not report it."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.db import connection

from distribution.calls.carrier import CallSeen, CarrierUnavailable
from distribution.calls.carriers import GetCarrier
from distribution.calls.reach import Reach
from distribution.calls.turns import Taken, Turns
from distribution.models import Call

ASK_AGAIN: Final = timedelta(minutes=30)
# A price that is not known then is not asked for any longer, whether the carrier answers or not.
LONGEST: Final = timedelta(days=1)

FIND_COST: Final = """
SELECT id FROM distribution_call WHERE cost_due_at <= %(at)s AND account_id <> ALL(%(without)s)
ORDER BY cost_due_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
"""
TAKE: Final = f"""
UPDATE distribution_call SET cost_due_at = %(again)s WHERE id = ({FIND_COST})
RETURNING id, account_id
"""  # noqa: S608 - only a constant is put in


def read_costs(
    *, limit: int, get_carrier: GetCarrier, clock: Callable[[], datetime], reach: Reach, turns: Turns
) -> int:
    """Returns how many were due. Ends at the first that a carrier does not answer: what waits beside them is next."""
    for count in range(limit):
        at = clock()
        with turns.take(partial(_take, at=at)) as taken:
            if taken is None:
                return count
            call = Call.objects.select_related("account").get(pk=taken.id)
            was_open = reach.is_open(call.account)
            seen = _ask(call, get_carrier=get_carrier, reach=reach) if was_open else None
            _write(call, seen, at=at)
            if was_open and not reach.is_open(call.account):
                return count + 1
    return limit


def _take(without: Collection[int], *, at: datetime) -> Taken | None:
    with connection.cursor() as cursor:
        cursor.execute(TAKE, {"at": at, "again": at + ASK_AGAIN, "without": list(without)})
        row = cursor.fetchone()
    return None if row is None else Taken(*row)


def _ask(call: Call, *, get_carrier: GetCarrier, reach: Reach) -> CallSeen | None:
    """None: the carrier does not have the call, or did not answer."""
    try:
        with reach.asking(call.account):
            return get_carrier(call.account).read(call.carrier_sid or "")
    except CarrierUnavailable:
        return None


def _write(call: Call, seen: CallSeen | None, *, at: datetime) -> None:
    row = Call.objects.filter(pk=call.pk)
    if seen is not None and seen.cost_micros is not None:
        row.update(cost_micros=seen.cost_micros, cost_currency=seen.currency, cost_due_at=None)
    elif call.ended_at is None or at >= call.ended_at + LONGEST:
        row.update(cost_due_at=None)
