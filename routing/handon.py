"""Hands leads on when their due time was written, after the commit: to the schedule, or to the workers.

A request does not wait for it: a thread of the process does it, many leads at a time. Nothing here fails an intake or
an attempt: what Redis or the broker refuse is logged and counted, and the reconcilers find it in PostgreSQL.
"""

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from django.db import transaction

from routing import metrics, schedule, shadow
from routing.models import DispatchMode
from routing.outage import guarded
from routing.queries import DueTime, read_due_times
from routing.schedule import AT_ONCE, Due, Ending, Handed
from routing.wake import PROCESS_LEADS, publish_ready, send_wake

logger = logging.getLogger(__name__)

# Where leads come from that the next take confirms; all others are confirmed by the next put.
TAKE_PATH: Final = "take"
MAX_WAITING: Final = 10_000
LEADS_A_BATCH: Final = 50
# A message costs a millisecond of CPU, a third of an intake request. The first lead goes out at once, those that come
# right after it go together.
PAUSE_BETWEEN_BATCHES_SECONDS: Final = 0.015
# A polled lead that is due this soon is waited for by the broker; anything later waits in Postgres (PITFALLS 4).
LONGEST_WAKE: Final = timedelta(seconds=10)
NO_WAIT: Final = timedelta(0)


def after_commit(call: Callable[[], object]) -> None:
    """Call once the transaction has committed. A failure of one call does not keep the others from it (PITFALLS 3)."""
    transaction.on_commit(call, robust=True)


def hand_on_after_commit(changes: Sequence[DueTime]) -> None:
    """Hand leads on once the transaction has committed; at once when there is none."""
    after_commit(partial(hand_on, changes))


def hand_on_later(*lead_ids: int) -> None:
    """The same for leads whose rows the open transaction has changed, whatever became of them."""
    hand_on_after_commit(read_due_times(lead_ids))


def hand_on(changes: Sequence[DueTime]) -> None:
    """Hand leads on without waiting. Their due times are committed."""
    HANDS.add(changes)


def settle(changes: Iterable[DueTime]) -> None:
    """Hand leads on now. Never raises for a failure of Redis or of the broker."""
    by_mode: dict[str, list[DueTime]] = {mode: [] for mode in DispatchMode.values}
    for change in changes:
        by_mode[change.mode].append(change)
    _settle_events(by_mode[DispatchMode.EVENT])
    _settle_shadows(by_mode[DispatchMode.SHADOW])
    # After the index, so that whoever is woken finds it up to date.
    _wake(by_mode[DispatchMode.POLL] + by_mode[DispatchMode.SHADOW])


def publish(handed: Sequence[Handed], *, path: str) -> int:
    """Publish leads in flight. Those that the broker refuses go back into the schedule. Returns how many went out."""
    failed = publish_ready(handed)
    metrics.LEADS_MOVED.labels(path=path).inc(len(handed) - len(failed))
    if path != TAKE_PATH:
        schedule.say_published([each for each in handed if each not in failed] if failed else handed)
    if failed:
        endings = [Ending(each.lead_id, each.deadline_ms, AT_ONCE, each.workspace_id) for each in failed]
        guarded("hand_back", partial(schedule.end, endings), [False])
    return len(handed) - len(failed)


def _settle_events(changes: Sequence[DueTime]) -> None:
    gone = [(each.lead_id, each.workspace_id) for each in changes if each.due_at is None]
    if gone:
        guarded("withdraw", lambda: schedule.withdraw(gone), 0)
    dues = [Due(each.lead_id, each.workspace_id, each.due_at) for each in changes if each.due_at is not None]
    if dues:
        publish(guarded("put", lambda: schedule.put(dues), []), path="put")


def _settle_shadows(changes: Sequence[DueTime]) -> None:
    if changes:
        dues = {(each.lead_id, each.workspace_id): each.due_at for each in changes}
        guarded("shadow", lambda: shadow.write(dues), None)


def _wake(changes: Sequence[DueTime]) -> None:
    waits = [(each.lead_id, _read_remaining(each)) for each in changes]
    due = [lead_id for lead_id, wait in waits if wait is not None and wait <= NO_WAIT]
    for at in range(0, len(due), LEADS_A_BATCH):
        send_wake(PROCESS_LEADS, args=[due[at : at + LEADS_A_BATCH]])
    for lead_id, wait in waits:
        if wait is not None and NO_WAIT < wait <= LONGEST_WAKE:
            send_wake(PROCESS_LEADS, args=[[lead_id]], countdown=wait.total_seconds())


def _read_remaining(change: DueTime) -> timedelta | None:
    """Until the lead is due, by the database's clock where it was asked. None: it waits for nothing."""
    if change.due_at is None or change.remaining is not None:
        return change.remaining
    return change.due_at - datetime.now(UTC)


class Hands:
    """Collects the changes of a process and settles them in one background thread, many at a time.

    The thread belongs to the process that started it: after a fork a new one is started on first use.
    """

    def __init__(self) -> None:
        self._waiting: queue.Queue[DueTime] = queue.Queue(MAX_WAITING)
        self._lock = threading.Lock()
        self._pid = 0

    def add(self, changes: Sequence[DueTime]) -> None:
        """Take changes without waiting. When too many wait already the rest is left to the reconcilers."""
        self._ensure_thread()
        for change in changes:
            try:
                self._waiting.put_nowait(change)
            except queue.Full:
                metrics.WAKES_LOST.labels(cause="queue_full").inc()

    def flush(self, *, timeout_seconds: float) -> bool:
        """Wait until everything taken so far was settled or given up. Returns False on time-out."""
        deadline = time.monotonic() + timeout_seconds
        with self._waiting.all_tasks_done:
            while self._waiting.unfinished_tasks:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return False
                self._waiting.all_tasks_done.wait(remaining)
        return True

    def _ensure_thread(self) -> None:
        if self._pid == os.getpid():
            return
        with self._lock:
            if self._pid != os.getpid():
                self._waiting = queue.Queue(MAX_WAITING)
                threading.Thread(target=self._run, name="hands", daemon=True).start()
                self._pid = os.getpid()

    def _run(self) -> None:
        quiet_until = 0.0
        while True:
            batch = self._gather(quiet_until)
            try:
                settle(batch)
            except Exception as error:  # noqa: BLE001 - the thread must outlive it, or nothing is handed on any more
                cause = type(error).__name__
                metrics.WAKES_LOST.labels(cause=cause).inc()
                logger.error("routing.hand_on_failed", extra={"cause": cause})
            finally:
                quiet_until = time.monotonic() + PAUSE_BETWEEN_BATCHES_SECONDS
                for _ in batch:
                    self._waiting.task_done()

    def _gather(self, quiet_until: float) -> list[DueTime]:
        """Wait for a change, then until `quiet_until` for others, unless they fill a batch already."""
        batch = [self._waiting.get()]
        pause = quiet_until - time.monotonic()
        if pause > 0 and self._waiting.qsize() < LEADS_A_BATCH - 1:
            time.sleep(pause)
        while len(batch) < LEADS_A_BATCH:
            try:
                batch.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return batch


HANDS: Final = Hands()
