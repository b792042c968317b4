"""What the suite changes in its own deliverers: shorter waits, and places at which a process kills itself when asked.

The product contains no code for it: `install` wraps its functions before the first deliverer starts. SIGKILL from
within is the same signal as from outside, at an exact place.
"""

import os
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from random import random
from typing import Any, Final

from tests.chaos.probes import PROBE

# Seconds. The product retries ten times, waits up to 5 minutes, and 20 s beyond the timeout for a lost deliverer.
WAITS: Final = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
LEASE_MARGIN: Final = 1
LEASES_PERIOD: Final = 0.2
HEARTBEAT: Final = 0.5
# A request lasts about this long at least, so a process dies in the middle of one.
LONGEST_ASKING: Final = 0.03

# The request is out, and its answer is not known.
ASKING: Final = "asking"
# The answer is known to the process alone.
ANSWERED: Final = "answered"
# The sale and its money have changed in a transaction that is not committed.
SETTLED: Final = "settled"
# Everything is committed, and the next buyer is not asked yet.
RECORDED: Final = "recorded"
POINTS: Final = (ASKING, ANSWERED, SETTLED, RECORDED)


def install(directory: Path) -> None:
    PROBE.open(directory)
    _shorten()
    _kill_at_points()


def _shorten() -> None:
    from distribution.deliveries import claim, deliverer, request_pool
    from distribution.deliveries.payloads.retries import Retries

    Retries.LEAD._value_ = WAITS
    claim.LEASE_MARGIN_SECONDS = LEASE_MARGIN  # type: ignore[misc]
    request_pool.LONGEST_QUEUED_SECONDS = LEASE_MARGIN / 2  # type: ignore[misc]
    deliverer.LEASES_SECONDS = LEASES_PERIOD  # type: ignore[misc]
    deliverer.HEARTBEAT_SECONDS = HEARTBEAT  # type: ignore[misc]


def _kill_at_points() -> None:
    from distribution.deliveries import deliverer, recorder, results

    send, record, settle = deliverer.try_together, recorder.record_results, results.settle

    def sent(works: Any, **options: Any) -> Any:
        if PROBE.is_asked(ASKING):
            threading.Timer(random() * LONGEST_ASKING, _die, [ASKING]).start()
        return send(works, **options)

    def recorded(tries: Any, **options: Any) -> Any:
        _die_if_asked(ANSWERED)
        done = record(tries, **options)
        if done.due_lead_ids:
            _die_if_asked(RECORDED)
        return done

    def settled(*arguments: Any, **options: Any) -> Any:
        done = settle(*arguments, **options)
        _die_if_asked(SETTLED)
        return done

    deliverer.try_together, recorder.record_results, results.settle = sent, recorded, settled


def _die_if_asked(point: str) -> None:
    if PROBE.is_asked(point):
        _die(point)


def _die(point: str) -> None:
    PROBE.log("dies", point=point)
    os.kill(os.getpid(), signal.SIGKILL)


def _lost_is_rejected() -> None:
    """A message whose deliverer was lost counts as rejected, although the buyer may have it."""
    from distribution.attempts.settle import reject_sale
    from distribution.deliveries import leases
    from distribution.models import DeliveryTry

    def end(row: Any, _claimed: Any, _standing: Any, *, at: Any) -> None:
        tried = DeliveryTry.objects.filter(delivery=row, number=row.tries)
        tried.update(finished_at=at, outcome="worker_lost")
        row.state, row.leased_until, row.ended_at, row.end_reason = "rejected", None, at, "lost"
        row.save(update_fields=["state", "leased_until", "ended_at", "end_reason"])
        if row.is_direct_post:
            reject_sale(row.assignment_id, reason="lost", at=at)

    leases._end = end


# Taken away in the suite's processes by name: then the run must fail.
PROTECTIONS: Final[Mapping[str, Callable[[], None]]] = {"unknown": _lost_is_rejected}
