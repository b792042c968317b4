"""Runs due leads straight from PostgreSQL while Redis does not answer, in one dispatcher of all."""

import logging
import time
from collections.abc import Callable
from threading import Event
from typing import Final

from routing import metrics
from routing.dispatch.control import read_control, write_leader_heartbeat
from routing.models import DispatchPath
from routing.owned_lock import ReconcilerBusy, owned_lock

logger = logging.getLogger(__name__)

LOCK: Final = "dispatch-without-redis"
# After so long Redis is asked again. A Redis that takes connections and never answers costs a second each time.
ROUND_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = 0.2
# A dispatcher that says it leads through Redis is believed for so long.
FRESH_SECONDS: Final = 12.0


def run_without_redis(name: str, *, run_next_due: Callable[[], bool], stop: Event) -> None:
    """Run due leads for one round, if no other dispatcher does so or leads through Redis.

    `run_next_due` returns False when nothing is due. Two at a time would do no harm: SKIP LOCKED parts their leads.
    """
    if _is_led_through_redis(name):
        stop.wait(PAUSE_SECONDS)
        return
    try:
        with owned_lock(LOCK):
            write_leader_heartbeat(name, epoch=0, path=DispatchPath.POSTGRES)
            metrics.DISPATCHER_LEADING.labels(path="postgres").set(1)
            _run_round(run_next_due, stop=stop)
    except ReconcilerBusy:
        stop.wait(PAUSE_SECONDS)
    finally:
        metrics.DISPATCHER_LEADING.labels(path="postgres").set(0)


def _is_led_through_redis(name: str) -> bool:
    control = read_control()
    is_fresh = control.age is not None and control.age.total_seconds() < FRESH_SECONDS
    return is_fresh and control.path == DispatchPath.REDIS and control.leader != name


def _run_round(run_next_due: Callable[[], bool], *, stop: Event) -> None:
    deadline = time.monotonic() + ROUND_SECONDS
    while time.monotonic() < deadline and not stop.is_set():
        if run_next_due():
            metrics.LEADS_MOVED.labels(path="postgres").inc()
        else:
            stop.wait(PAUSE_SECONDS)
