"""Does what dialers do with calls that are out, if no dialer does: their reports, and their questions to the carrier.

reports that were not applied                 applied
calls that should have been asked about       the carrier is asked, and lines are freed that it says are free
calls whose lead has moved on without them    hung up
calls that have lasted far too long           reported: the carrier has not been reached, and their lines are kept

A dialer that is alive does the first three within seconds. No line is freed on time alone.
"""

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from distribution.calls.applying import apply_new
from distribution.calls.carriers import GetCarrier, get_carrier
from distribution.calls.checking import check_due
from distribution.calls.finishing import finish_due
from routing.queries import read_clock
from tracing.reconciling import Counts, in_batches, name_rows

logger = logging.getLogger(__name__)

CALLS_PER_BATCH: Final = 50
REPORTS_AT_ONCE: Final = 1_000
# A dialer that is alive is not later than this.
LATE: Final = timedelta(seconds=30)
# After the time at which a call is hung up (check_times.py).
FAR_TOO_LONG: Final = timedelta(minutes=10)

_LATE: Final = """(
    c.next_check_at <= %(late)s
    OR EXISTS (
        SELECT FROM distribution_callnotice n
        WHERE n.call_id = c.id AND n.applied_at IS NULL AND n.result = '' AND n.received_at <= %(late)s
    )
)"""
_FAR_TOO_LONG: Final = """(
    c.dialed_at + make_interval(secs => c.ring_seconds + c.time_limit_seconds + 60) <= %(far)s
)"""
# Few rows: those that hold lines.
OPEN: Final = f"""
SELECT c.id, {_LATE}, COALESCE({_FAR_TOO_LONG}, FALSE) FROM distribution_call c
WHERE c.ended_at IS NULL ORDER BY c.id
"""  # noqa: S608 - only conditions are put in


def run(*, fix: bool, limit: int, get_carrier: GetCarrier = get_carrier) -> Counts:
    at = read_clock()
    is_open, late, too_long = _read(at)
    if fix and late:
        _work(limit, get_carrier=get_carrier)
        _, late_now, too_long = _read(at)
    else:
        late_now = late
    for call_id in too_long:
        logger.error("calls.lasts_far_too_long", extra={"number": call_id})
    found = {*late, *too_long}
    left = {*late_now, *too_long} & found
    named = name_rows("call", sorted(found))
    return Counts(len(is_open), len(found) - len(left), len(left), named)


def _work(limit: int, *, get_carrier: GetCarrier) -> None:
    apply_new(limit=REPORTS_AT_ONCE)

    def step(_: int | None, count: int) -> tuple[Counts, int | None]:
        checked = check_due(limit=count, get_carrier=get_carrier)
        return Counts(checked), 1 if checked == count else None

    in_batches(step, limit=limit, size=CALLS_PER_BATCH)
    finish_due(limit=limit, get_carrier=get_carrier)


def _read(at: datetime) -> tuple[set[int], set[int], set[int]]:
    """The calls that are out, those of them that are late, and those that last far too long."""
    with connection.cursor() as cursor:
        cursor.execute(OPEN, {"late": at - LATE, "far": at - FAR_TOO_LONG})
        rows = cursor.fetchall()
    return (
        {call_id for call_id, _, _ in rows},
        {call_id for call_id, is_late, _ in rows if is_late},
        {call_id for call_id, _, lasts in rows if lasts},
    )
