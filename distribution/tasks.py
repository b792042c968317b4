"""Celery shells: ids in, one call to a use case. A message is only a wake-up; PostgreSQL says what is due."""

import time
from collections.abc import Sequence
from typing import Final

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import close_old_connections

from distribution import metrics
from distribution.attempts.distribute import distribute_lead, distribute_next_polled
from distribution.attempts.lease import distribute_leased, requeue
from routing.dispatch.canary import complete_canary, is_canary
from routing.dispatch.publish import send_wake
from routing.dispatch.workers import record_step
from routing.queries import count_polled, has_polled

PROCESS: Final = "distribution.process_leads"
PICK_UP: Final = "distribution.pick_up_due"
# One more picker for each this many leads of backlog.
LEADS_A_PICKER: Final = 200
MAX_PICKERS: Final = 4


@shared_task(name=PROCESS)
def process_leads(lead_ids: Sequence[int], *, is_leased: bool = False) -> None:
    """Try each lead once, in order. Doubles and late messages are harmless: the locked row decides.

    One that fails does not keep the others from it: they would wait for the end of their leases, in everybody's way.
    Raises what the first of them raised. Raises SoftTimeLimitExceeded at once: a lead that began after it would be
    killed with its process.
    """
    failures = []
    for lead_id in lead_ids:
        record_step()
        try:
            _process(lead_id, is_leased=is_leased)
        except SoftTimeLimitExceeded:
            raise
        except Exception as error:  # noqa: BLE001 - raised below, when the others have had their turn
            failures.append(error)
            close_old_connections()  # those that the database has let go of: the next lead gets a new one
    if failures:
        raise failures[0]


def _process(lead_id: int, *, is_leased: bool) -> None:
    if is_canary(lead_id):
        complete_canary(lead_id)
    elif is_leased:
        distribute_leased(lead_id)
    else:
        requeue(distribute_lead(lead_id, is_leased=False))


@shared_task(name=PICK_UP)
def pick_up_due(*, is_first: bool = True) -> None:
    """Start every lead that is due and that neither a worker has nor a dispatcher starts.

    Those are the leads of workspaces that are polled, and of all of them while no dispatcher lives. It ends after one
    period, so that pickers cannot pile up; two at a time share the work by SKIP LOCKED.
    """
    if not has_polled():
        return
    if is_first:
        _call_more_pickers()
    deadline = time.monotonic() + settings.LEADSWITCH_PICKUP_PERIOD_SECONDS
    while time.monotonic() < deadline:
        record_step()
        outcome = distribute_next_polled()
        if outcome.lead_id is None:
            return
        metrics.PICKED_UP.inc()
        requeue(outcome)


def _call_more_pickers() -> None:
    due = count_polled(limit=LEADS_A_PICKER * MAX_PICKERS)
    for _ in range(min(due // LEADS_A_PICKER, MAX_PICKERS - 1)):
        send_wake(PICK_UP, kwargs={"is_first": False}, expires=settings.LEADSWITCH_PICKUP_PERIOD_SECONDS)
