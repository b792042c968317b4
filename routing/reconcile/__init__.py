"""Runs reconcilers by name: those in the settings, each under its own lock.

A reconciler is a module with `run(*, fix, limit) -> Counts`, one per file, in the `reconcile/` of its app.
"""

from routing.locks.owned_lock import ReconcilerBusy
from routing.reconcile.registry import Reconciler, find_reconciler, list_reconcilers
from routing.reconcile.running import NO_LIMIT, run_reconciler
from tracing.reconciling import Counts, in_batches

__all__ = [
    "NO_LIMIT",
    "Counts",
    "Reconciler",
    "ReconcilerBusy",
    "find_reconciler",
    "in_batches",
    "list_reconcilers",
    "run_reconciler",
]
