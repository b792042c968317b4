"""Places a call that has begun: exactly one request, outside any transaction, and then what is known of it.

    created -> dialing (committed: the carrier may have the call from now on) -> the request -> recorded

A process may be killed at each step. A call that is still `created` was never requested. Its end wins over a dialer
that wakes up late, because only one of the two moves it on. One that is `dialing` may be at the carrier, which is
asked (checking.py).
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.db import (
    IntegrityError,
    InterfaceError,
    OperationalError,
    close_old_connections,
    connection,
    transaction,
)

from distribution import metrics
from distribution.calls.addresses import make_addresses
from distribution.calls.allowing import QUEUE_MARGIN
from distribution.calls.begin import Begun
from distribution.calls.carrier import CarrierClient, Dialed, DialOutcome, PlaceCall, Problem
from distribution.calls.carriers import GetCarrier, get_carrier
from distribution.calls.counting import count_dial, observe_gap
from distribution.calls.dial_outcomes import write_dial_outcome
from routing.leads.abandoned import log_attempts
from routing.queries import read_clock

logger = logging.getLogger(__name__)

# Longer than any request lasts (carrier/client.py). Who asks the carrier earlier may ask before it has the call.
REQUEST_WITHIN_SECONDS: Final = 30
# A call that is asked to end, because its lead has moved on, is not requested.
START_REQUEST: Final = """
UPDATE distribution_call
SET state = 'dialing', dialed_at = clock_timestamp(),
    next_check_at = clock_timestamp() + make_interval(secs => %s)
WHERE id = %s AND state = 'created' AND hang_up_at IS NULL
RETURNING dialed_at
"""
# A result that PostgreSQL does not take for so long is left to the checker, who asks the carrier.
RECORD_WITHIN_SECONDS: Final = 60.0
PAUSE_AFTER_FAILURE_SECONDS: Final = 0.5
# A process may be stopped for a while between its checks and its request. The rest of the margin is the carrier's.
SEND_WITHIN_SECONDS: Final = QUEUE_MARGIN.total_seconds() / 2


def dial(begun: Begun, *, carrier_of: GetCarrier = get_carrier) -> Dialed | None:
    """Wait for its slot, place it, and record the outcome. None: it was ended before its request.

    Must run outside a transaction. Raises what PostgreSQL refuses before the request; the checker ends the call then.
    """
    dialed_at = start_request(begun)
    if dialed_at is None:
        return None
    started = time.perf_counter()
    dialed = place(begun, carrier=carrier_of(begun.account))
    count_dial(dialed, seconds=time.perf_counter() - started)
    keep_trying(lambda: record(begun, dialed, dialed_at=dialed_at))
    if begun.gap is not None:
        observe_gap(begun.gap)
    return dialed


def start_request(begun: Begun) -> datetime | None:
    """Note that the carrier may have the call from now on. None: the call was ended, or is about to be."""
    if begun.wait_seconds > 0:
        time.sleep(begun.wait_seconds)
    with connection.cursor() as cursor:
        cursor.execute(START_REQUEST, [REQUEST_WITHIN_SECONDS, begun.call_id])
        row = cursor.fetchone()
    return None if row is None else row[0]


def place(begun: Begun, *, carrier: CarrierClient) -> Dialed:
    """One request, or none if it comes too late: the hours may be over, and the call may have been given up."""
    addresses = make_addresses(begun.public_id)
    if is_too_late(begun):
        logger.error("calls.sent_too_late", extra={"call": str(begun.public_id)})
        return Dialed(DialOutcome.NOT_PLACED, problem=Problem.SENT_TOO_LATE)
    return carrier.place(
        PlaceCall(
            to=begun.to,
            from_number=begun.from_number,
            script_url=addresses.script,
            status_url=addresses.status,
            ring_seconds=begun.ring_seconds,
            time_limit_seconds=begun.time_limit_seconds,
            records=begun.records,
            recording_url=addresses.recording if begun.records else "",
        )
    )


def is_too_late(begun: Begun) -> bool:
    return time.monotonic() - begun.begun_at_seconds - begun.wait_seconds > SEND_WITHIN_SECONDS


def record(begun: Begun, dialed: Dialed, *, dialed_at: datetime) -> None:
    """Write the outcome, in one transaction."""
    with transaction.atomic(durable=True):
        lines = write_dial_outcome(begun.call_id, dialed, dialed_at=dialed_at, at=read_clock())
    log_attempts(lines)


def keep_trying(write: Callable[[], None]) -> bool:
    """Write the result of a request, also if PostgreSQL is away or a lock is busy. False: the checker finds it out.

    Another call may get the same id of the carrier at the same moment. The next try sees that.
    """
    until = time.monotonic() + RECORD_WITHIN_SECONDS
    while True:
        try:
            write()
        except (OperationalError, InterfaceError, IntegrityError) as error:
            logger.warning("calls.not_recorded", extra={"cause": type(error).__name__})
            close_old_connections()
        else:
            return True
        if time.monotonic() > until:
            metrics.DIALER_FAILURES.inc()
            logger.error("calls.result_not_recorded")
            return False
        time.sleep(PAUSE_AFTER_FAILURE_SECONDS)
