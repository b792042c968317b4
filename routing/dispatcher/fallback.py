"""The fallback without Redis: one of the dispatchers runs due leads from PostgreSQL."""

import logging
import time
from collections.abc import Callable
from threading import Event
from typing import Final

from django.conf import settings

from routing.dispatch.control import read_control, write_leader_heartbeat
from routing.locks.owned_lock import ReconcilerBusy, owned_lock
from routing.metrics.dispatch import LEADS_MOVED
from routing.metrics.leader import DISPATCHER_LEADING
from routing.models import DispatchPath

logger = logging.getLogger(__name__)

LOCK: Final = "dispatch-without-redis"


def run_without_redis(name: str, *, run_next_due: Callable[[], bool], stop: Event) -> None:
    """Run due leads for one round, unless another dispatcher does so or leads through Redis.

    `run_next_due` returns False if nothing is due. Two at a time would do no harm: SKIP LOCKED separates their leads.
    """
    if _is_led_through_redis(name):
        stop.wait(settings.LEADSWITCH_TAKEOVER.fallback_poll_seconds)
        return
    try:
        with owned_lock(LOCK):
            write_leader_heartbeat(name, epoch=0, path=DispatchPath.POSTGRES)
            DISPATCHER_LEADING.labels(path="postgres").set(1)
            _run_round(run_next_due, stop=stop)
    except ReconcilerBusy:
        stop.wait(settings.LEADSWITCH_TAKEOVER.fallback_poll_seconds)
    finally:
        DISPATCHER_LEADING.labels(path="postgres").set(0)


def _is_led_through_redis(name: str) -> bool:
    control = read_control()
    limit = settings.LEADSWITCH_TAKEOVER.fallback_after_seconds
    is_fresh = control.age is not None and control.age.total_seconds() < limit
    return is_fresh and control.path == DispatchPath.REDIS and control.leader != name


def _run_round(run_next_due: Callable[[], bool], *, stop: Event) -> None:
    """Run due leads until Redis is tried again. One that accepts connections and never answers costs a second then."""
    takeover = settings.LEADSWITCH_TAKEOVER
    deadline = time.monotonic() + takeover.fallback_round_seconds
    while time.monotonic() < deadline and not stop.is_set():
        if run_next_due():
            LEADS_MOVED.labels(path="postgres").inc()
        else:
            stop.wait(takeover.fallback_poll_seconds)
