"""Celery shells: ids in, one call to a use case. A message is only a wake-up; what is due stands in Postgres."""

import time
from collections.abc import Sequence
from typing import Final

from celery import shared_task
from django.conf import settings

from distribution import metrics
from distribution.distribute import LONGEST_WAKE, distribute_lead, distribute_next_due
from distribution.outcome import Outcome
from routing.queries import count_due
from routing.wake import send_wake
from tracing.models import AttemptResult

PROCESS: Final = "distribution.process_leads"
PICK_UP: Final = "distribution.pick_up_due"
# A backlog of more than this many leads calls one more picker for each further so many.
LEADS_A_PICKER: Final = 200
MAX_PICKERS: Final = 4


@shared_task(name=PROCESS)
def process_leads(lead_ids: Sequence[int]) -> None:
    """Try each lead once, in order. Doubles and late messages are harmless: the locked row decides."""
    for lead_id in lead_ids:
        _wake_again(distribute_lead(lead_id))


@shared_task(name=PICK_UP)
def pick_up_due(*, is_first: bool = True) -> None:
    """Start every lead that is due and that nobody has: wake-ups that were lost, retries, deferred leads.

    It ends after one period, so that pickers cannot pile up; two at a time share the work by SKIP LOCKED.
    """
    if is_first:
        _call_more_pickers()
    deadline = time.monotonic() + settings.LEADSWITCH_PICKUP_PERIOD_SECONDS
    while time.monotonic() < deadline:
        outcome = distribute_next_due()
        if outcome.lead_id is None:
            return
        metrics.PICKED_UP.inc()


def _call_more_pickers() -> None:
    due = count_due(limit=LEADS_A_PICKER * MAX_PICKERS)
    for _ in range(min(due // LEADS_A_PICKER, MAX_PICKERS - 1)):
        send_wake(PICK_UP, kwargs={"is_first": False}, expires=settings.LEADSWITCH_PICKUP_PERIOD_SECONDS)


def _wake_again(outcome: Outcome) -> None:
    """A conflict is over in moments: do not wait for the pick-up. The due time itself is already in Postgres."""
    if outcome.result != AttemptResult.RETRY or outcome.next_attempt_at is None:
        return
    delay = outcome.next_attempt_at - outcome.now()
    if delay <= LONGEST_WAKE:
        send_wake(PROCESS, args=[[outcome.lead_id]], countdown=max(0.0, delay.total_seconds()))
