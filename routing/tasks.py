"""Celery shells of routing."""

import logging
from typing import Final

from celery import shared_task

from routing.dispatch.modes import FOLLOW_MODE, follow_mode
from routing.intake.idempotency import forget_old_keys
from routing.reconcile import ReconcilerBusy, find_reconciler, run_reconciler

logger = logging.getLogger(__name__)

RECONCILE: Final = "routing.reconcile"


@shared_task(name="routing.forget_idempotency_keys")
def forget_idempotency_keys() -> None:
    """Doubles are harmless: rows that another run is deleting are left to it."""
    forget_old_keys()


@shared_task(name=RECONCILE)
def reconcile(name: str) -> None:
    """Repair what this reconciler finds. A run that is still under way does the work of this one."""
    try:
        run_reconciler(find_reconciler(name), fix=True)
    except ReconcilerBusy:
        logger.info("routing.reconcile_busy", extra={"reconciler": name})


@shared_task(name=FOLLOW_MODE)
def follow_dispatch_mode(workspace_id: int) -> None:
    """A double finds everything in its place."""
    follow_mode(workspace_id)
