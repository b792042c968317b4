"""The Celery tasks of routing."""

import logging
from typing import Final

from celery import shared_task

from routing.dispatch.modes import FOLLOW_MODE, follow_mode
from routing.intake.idempotency import forget_old_keys
from routing.intake.old_pings import forget_old_pings
from routing.reconcile import ReconcilerBusy, find_reconciler, run_reconciler

logger = logging.getLogger(__name__)

RECONCILE: Final = "routing.reconcile"


@shared_task(name="routing.forget_idempotency_keys")
def forget_idempotency_keys() -> None:
    """Safe to repeat: a run skips rows that another run is deleting."""
    forget_old_keys()


@shared_task(name="routing.forget_pings")
def forget_pings() -> None:
    """Safe to repeat: a run skips rows that another run is deleting."""
    forget_old_pings()


@shared_task(name=RECONCILE)
def reconcile(name: str) -> None:
    """Repair what this reconciler finds. If a run is in progress, it does the work of this one."""
    try:
        run_reconciler(find_reconciler(name), fix=True)
    except ReconcilerBusy:
        logger.info("routing.reconcile_busy", extra={"reconciler": name})


@shared_task(name=FOLLOW_MODE)
def follow_dispatch_mode(workspace_id: int) -> None:
    """Idempotent."""
    follow_mode(workspace_id)
