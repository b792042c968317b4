"""Runs one reconciler once: lock, work, metrics and a log line."""

import logging
import time
from typing import Final

from django.db import DatabaseError, InterfaceError

from routing.last_runs import record_run
from routing.locks.owned_lock import ReconcilerBusy, owned_lock
from routing.metrics.reconcilers import (
    RECONCILER_FOUND,
    RECONCILER_LAST_RUN,
    RECONCILER_REPAIRS,
    RECONCILER_RUNS,
    RECONCILER_SECONDS,
)
from routing.reconcile.registry import Reconciler
from tracing.reconciling import Counts

logger = logging.getLogger(__name__)

# By default a run checks all rows. Its time is limited instead.
NO_LIMIT: Final = 2**31
MAX_LOGGED: Final = 20


def run_reconciler(reconciler: Reconciler, *, fix: bool, limit: int = NO_LIMIT) -> Counts:
    """Check, and with `fix` repair. Must not run in a transaction: each batch commits by itself.

    The end of a run that repairs is recorded in PostgreSQL. Raises ReconcilerBusy, and what the reconciler raises.
    """
    name = reconciler.name
    started = time.perf_counter()
    try:
        with owned_lock(name):
            counts = reconciler.run(fix=fix, limit=limit)
    except ReconcilerBusy:
        RECONCILER_RUNS.labels(reconciler=name, end="busy").inc()
        raise
    except Exception as error:
        RECONCILER_RUNS.labels(reconciler=name, end="failed").inc()
        if fix:
            _record(name, Counts(), seconds=time.perf_counter() - started, failure=type(error).__name__)
        raise
    seconds = time.perf_counter() - started
    _report(name, counts, seconds=seconds)
    if fix:
        _record(name, counts, seconds=seconds)
    return counts


def _record(name: str, counts: Counts, *, seconds: float, failure: str = "") -> None:
    """The repairs are committed, whether or not this can be written."""
    try:
        record_run(name, counts, took_seconds=seconds, failure=failure)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("routing.run_not_recorded", extra={"reconciler": name, "cause": type(error).__name__})


def _report(name: str, counts: Counts, *, seconds: float) -> None:
    RECONCILER_RUNS.labels(reconciler=name, end="done").inc()
    RECONCILER_REPAIRS.labels(reconciler=name).inc(counts.repaired)
    RECONCILER_FOUND.labels(reconciler=name).set(counts.found)
    RECONCILER_LAST_RUN.labels(reconciler=name).set(time.time())
    RECONCILER_SECONDS.labels(reconciler=name).observe(seconds)
    # Beat starts some reconcilers every few seconds: a run that found nothing is no news.
    logger.log(
        logging.INFO if counts.found else logging.DEBUG,
        "routing.reconciled",
        extra={
            "reconciler": name,
            "checked": counts.checked,
            "repaired": counts.repaired,
            "skipped": counts.skipped,
            "found": list(counts.named[:MAX_LOGGED]),
            "duration_ms": round(1000 * seconds, 3),
        },
    )
