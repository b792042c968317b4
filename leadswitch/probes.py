"""What /readyz checks: whether leads can be stored, and which parts on the way to a buyer have a problem.

The probes write to PostgreSQL and Redis: a server that responds may still refuse writes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import redis
from django.db import DatabaseError, InterfaceError, connection, transaction
from structlog import get_logger

from distribution.calls.liveness import is_dialer_missing
from distribution.deliveries.liveness import is_deliverer_missing
from routing.dispatch import workers
from routing.dispatch.canary import read_canary
from routing.dispatch.control import read_control
from routing.dispatch.enqueue import ENQUEUER
from routing.dispatcher.leader_tasks import export_runs
from routing.postgres_errors import DISK_FULL, REFUSED_WRITES, sqlstate_of
from routing.redis.client import prove_writable

log = get_logger(__name__)

OK: Final = "ok"
UNAVAILABLE: Final = "unavailable"
UNKNOWN: Final = "unknown"
NONE: Final = "none"
REDIS_TIMEOUT_SECONDS: Final = 1.0
# A shorter stall of Redis is not reported.
BEHIND_SECONDS: Final = 2.0

IS_READ_ONLY: Final = "SHOW transaction_read_only"
# A result that does not fit into memory goes to the server's disk, in the directory of its tables. If there is no room
# for it, there is none for leads. This writes neither a catalog nor the log.
SHRINK: Final = "SELECT set_config('work_mem', '64kB', true)"
SPILL: Final = "SELECT count(*) FROM generate_series(1, 50000)"


@dataclass(frozen=True, slots=True)
class ProbedParts:
    """Each is "ok" or names the problem."""

    database: str
    redis: str
    dispatcher: str = UNKNOWN
    workers: str = UNKNOWN
    canary: str = UNKNOWN
    reconcilers: str = UNKNOWN
    enqueuer: str = OK
    deliverer: str = UNKNOWN
    dialer: str = UNKNOWN


def read_parts() -> ProbedParts:
    database = probe_database()
    redis_state = probe_redis()
    if database == UNAVAILABLE:
        return ProbedParts(database, redis_state, enqueuer=probe_enqueuer())
    return ProbedParts(
        database=database,
        redis=redis_state,
        dispatcher=_ask(lambda: OK if read_control().is_led else NONE),
        workers=_ask(lambda: OK if workers.count_alive() else NONE)
        if redis_state != UNAVAILABLE
        else UNKNOWN,
        canary=_ask(_ask_canary),
        reconcilers=_ask(_ask_reconcilers),
        enqueuer=probe_enqueuer(),
        deliverer=_ask(lambda: NONE if is_deliverer_missing() else OK),
        dialer=_ask(lambda: NONE if is_dialer_missing() else OK),
    )


def probe_database() -> str:
    """Whether a lead could be stored: "ok", "read-only", "disk full", "refuses writes", "unavailable"."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(IS_READ_ONLY)
            if cursor.fetchone() != ("off",):
                return "read-only"
            cursor.execute(SHRINK)
            cursor.execute(SPILL)
    except (DatabaseError, InterfaceError) as error:
        log.warning(
            "probe_failed", service="database", error=type(error).__name__, sqlstate=sqlstate_of(error)
        )
        return "disk full" if sqlstate_of(error) == DISK_FULL else UNAVAILABLE
    # PostgreSQL just refused a write of this process, although the probe succeeded.
    return "refuses writes" if REFUSED_WRITES.is_open else OK


def probe_redis() -> str:
    """ "ok", "refuses writes" (full, read-only, loading, saving failed, busy), "unavailable"."""
    try:
        prove_writable(REDIS_TIMEOUT_SECONDS)
    except redis.ResponseError as error:
        log.warning("probe_failed", service="redis", error=type(error).__name__)
        return "refuses writes"
    except redis.RedisError as error:
        log.warning("probe_failed", service="redis", error=type(error).__name__)
        return UNAVAILABLE
    return OK


def probe_enqueuer() -> str:
    """Return "behind" while this process buffers leads that Redis or the broker refused, otherwise "ok"."""
    return "behind" if ENQUEUER.retrying_seconds > BEHIND_SECONDS else OK


def _ask_canary() -> str:
    canary = read_canary()
    if canary.is_late:
        return "late"
    return UNKNOWN if canary.age_seconds is None else OK


def _ask_reconcilers() -> str:
    """ "late": beat or the workers are not running. Leads are stored anyway."""
    runs = export_runs()
    if any(each.is_late for each in runs):
        return "late"
    return "failed" if any(each.failure for each in runs) else OK


def _ask(ask: Callable[[], str]) -> str:
    try:
        return ask()
    except (DatabaseError, InterfaceError, redis.RedisError):
        return UNKNOWN
