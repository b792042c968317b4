"""Enqueues leads after the commit of their due time: into the schedule, or to the workers.

A request does not wait: a thread of the process enqueues many leads at a time. Nothing here fails an intake or an
attempt: what Redis or the broker refuse is logged, counted and retried (routing/dispatch/enqueuer.py).
"""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from django.conf import settings
from django.db import Error, connection, transaction

from routing.dispatch import schedule, shadow, span_contexts
from routing.dispatch.enqueuer import LEADS_PER_BATCH, Enqueuer
from routing.dispatch.publish import PROCESS_LEADS, publish_ready, send_wake
from routing.dispatch.retry_buffer import BufferedPart
from routing.dispatch.schedule import AT_ONCE, Dispatched, Due, Release
from routing.metrics.dispatch import LEADS_MOVED
from routing.models import DispatchMode
from routing.queries import DueTime, read_due_times
from routing.redis.outage import guarded, is_done
from routing.spans import SpanSwitch

logger = logging.getLogger(__name__)

# The path of leads that the next claim confirms; all others are confirmed by the next put.
CLAIM_PATH: Final = "claim"
# The broker delays the message of a polled lead that is due this soon. Later ones wait in PostgreSQL, because Celery
# redelivers a countdown beyond the visibility timeout.
LONGEST_WAKE: Final = timedelta(seconds=10)
NO_WAIT: Final = timedelta(0)


def after_commit(call: Callable[[], object]) -> None:
    """Call once the transaction has committed. A failure of one call does not stop the others."""
    transaction.on_commit(call, robust=True)


def enqueue_after_commit(changes: Sequence[DueTime]) -> None:
    """Enqueue leads once the transaction has committed; at once without a transaction."""
    after_commit(partial(enqueue, changes))


def enqueue_leads_after_commit(*lead_ids: int) -> None:
    """The same for leads whose rows the open transaction has changed in any way."""
    enqueue_after_commit(read_due_times(lead_ids))


def enqueue(changes: Sequence[DueTime]) -> None:
    """Enqueue leads without waiting. Their due times are committed."""
    if SpanSwitch.spans is not None:
        due = [each.lead_id for each in changes if each.due_at is not None]
        span_contexts.remember(due, SpanSwitch.spans.send_leads(leads=len(due)) if due else "")
    ENQUEUER.add(changes)


def enqueue_now(changes: Sequence[DueTime]) -> None:
    """Enqueue leads now. Never raises for a failure of Redis or the broker: what they refuse is retried."""
    if refused := try_enqueue(changes):
        ENQUEUER.retry_later(refused)


def try_enqueue(changes: Sequence[DueTime]) -> list[int]:
    """Enqueue leads now. Returns the ids of those that Redis or the broker refused; never raises for that."""
    if SpanSwitch.spans is not None:
        span_contexts.write(each.lead_id for each in changes)  # before a worker can get a lead
    by_mode: dict[str, list[DueTime]] = {mode: [] for mode in DispatchMode.values}
    for change in changes:
        by_mode[change.mode].append(change)
    return [
        *_enqueue_events(by_mode[DispatchMode.EVENT]),
        *_enqueue_shadows(by_mode[DispatchMode.SHADOW]),
        # After the index, so that a worker that wakes up finds it up to date.
        *_wake(by_mode[DispatchMode.POLL] + by_mode[DispatchMode.SHADOW]),
    ]


def publish(dispatched: Sequence[Dispatched], *, path: str) -> int:
    """Publish leads in flight. Those that the broker refuses are requeued. Returns how many were published."""
    failed = publish_ready(dispatched)
    LEADS_MOVED.labels(path=path).inc(len(dispatched) - len(failed))
    if path != CLAIM_PATH:
        schedule.confirm_published(
            [each for each in dispatched if each not in failed] if failed else dispatched
        )
    if failed:
        releases = [Release(each.lead_id, each.deadline_ms, AT_ONCE, each.workspace_id) for each in failed]
        guarded("requeue", partial(schedule.release, releases), [False])
    return len(dispatched) - len(failed)


def _enqueue_events(changes: Sequence[DueTime]) -> list[int]:
    refused: list[int] = []
    gone = [(each.lead_id, each.workspace_id) for each in changes if each.due_at is None]
    if gone and not is_done("withdraw", lambda: schedule.withdraw(gone)):
        refused += [lead_id for lead_id, _ in gone]
    dues = [Due(each.lead_id, each.workspace_id, each.due_at) for each in changes if each.due_at is not None]
    if dues and not is_done("put", lambda: publish(schedule.put(dues), path="put")):
        refused += [each.lead_id for each in dues]
    return refused


def _enqueue_shadows(changes: Sequence[DueTime]) -> list[int]:
    dues = {(each.lead_id, each.workspace_id): each.due_at for each in changes}
    if not dues or is_done("shadow", lambda: shadow.write(dues)):
        return []
    return [each.lead_id for each in changes]


def _wake(changes: Sequence[DueTime]) -> list[int]:
    """Return the leads whose wake-up could not be sent."""
    if not settings.LEADSWITCH_WAKE_ENABLED:
        return []
    waits = [(each.lead_id, _read_remaining(each)) for each in changes]
    due = [lead_id for lead_id, wait in waits if wait is not None and wait <= NO_WAIT]
    batches: list[tuple[list[int], dict[str, float]]] = [
        (due[at : at + LEADS_PER_BATCH], {}) for at in range(0, len(due), LEADS_PER_BATCH)
    ]
    batches += [
        ([lead_id], {"countdown": wait.total_seconds()})
        for lead_id, wait in waits
        if wait is not None and NO_WAIT < wait <= LONGEST_WAKE
    ]
    refused: list[int] = []
    for lead_ids, options in batches:
        # After one refusal, nothing more is published.
        if refused or not send_wake(PROCESS_LEADS, args=[lead_ids], **options):
            refused += lead_ids
    return refused


def _read_remaining(change: DueTime) -> timedelta | None:
    """The time until the lead is due, by the database's clock if that was read. None: the lead does not wait."""
    if change.due_at is None or change.remaining is not None:
        return change.remaining
    return change.due_at - datetime.now(UTC)


def _enqueue_again(part: BufferedPart) -> BufferedPart:
    """Enqueue what was refused before, as PostgreSQL has it now: a lead may have been sold, canceled or moved since.

    Leases come first, because no put starts a lead in flight. A lead of an unknown lease may have been made due again
    while it was in flight, so it is enqueued as well. Returns what was enqueued or released. Runs in the thread of
    ENQUEUER, which closes its connection to PostgreSQL.
    """
    if part.releases and not is_done("end", lambda: schedule.release(part.releases)):
        return BufferedPart()
    unknown = [each.lead_id for each in part.releases if each.deadline_ms is None]
    try:
        changes = read_due_times([*part.leads, *unknown])
    except Error:
        return BufferedPart(releases=[each for each in part.releases if each.deadline_ms is not None])
    finally:
        connection.close()
    refused = set(try_enqueue(changes))
    leads = {lead_id: number for lead_id, number in part.leads.items() if lead_id not in refused}
    ended = [each for each in part.releases if each.deadline_ms is not None or each.lead_id not in refused]
    return BufferedPart(leads, ended)


ENQUEUER: Final = Enqueuer(try_enqueue, _enqueue_again)
