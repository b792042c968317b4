"""Celery tasks. Each calls one use case. A message only starts work; PostgreSQL decides what is due."""

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
from distribution.attempts.spans import process_in_spans
from routing.dispatch.canary import complete_canary, is_canary
from routing.dispatch.publish import send_wake
from routing.dispatch.workers import record_step
from routing.queries import count_polled, has_polled
from routing.spans import SpanSwitch

PROCESS: Final = "distribution.process_leads"
PICK_UP: Final = "distribution.pick_up_due"
# The number of backlogged leads for each additional picker.
LEADS_PER_PICKER: Final = 200
MAX_PICKERS: Final = 4


@shared_task(name=PROCESS)
def process_leads(lead_ids: Sequence[int], *, is_leased: bool = False) -> None:
    """Run one attempt on each lead, in order. Duplicate and late messages are harmless: the locked row decides.

    A failure does not stop the other leads, which would wait until their leases end. Raises the first exception at the
    end. Raises SoftTimeLimitExceeded immediately: an attempt that began after it would be killed with the process.
    """
    failures = []
    spans = SpanSwitch.spans
    process = _process if spans is None else process_in_spans(spans, lead_ids, _process)
    for lead_id in lead_ids:
        record_step()
        try:
            process(lead_id, is_leased=is_leased)
        except SoftTimeLimitExceeded:
            raise
        except Exception as error:  # noqa: BLE001 - raised below, after the other leads
            failures.append(error)
            close_old_connections()  # connections that the database closed: the next lead gets a new one
    if failures:
        raise failures[0]


def _process(lead_id: int, /, *, is_leased: bool) -> None:
    if is_canary(lead_id):
        complete_canary(lead_id)
    elif is_leased:
        distribute_leased(lead_id)
    else:
        requeue(distribute_lead(lead_id, is_leased=False))


@shared_task(name=PICK_UP)
def pick_up_due(*, is_first: bool = True) -> None:
    """Start every due lead that no worker has and no dispatcher starts.

    These are the leads of workspaces in poll mode, and of all workspaces while no dispatcher runs. The task ends after
    one period, so pickers do not accumulate. Several pickers share the work by SKIP LOCKED.
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
    due = count_polled(limit=LEADS_PER_PICKER * MAX_PICKERS)
    for _ in range(min(due // LEADS_PER_PICKER, MAX_PICKERS - 1)):
        send_wake(PICK_UP, kwargs={"is_first": False}, expires=settings.LEADSWITCH_PICKUP_PERIOD_SECONDS)
