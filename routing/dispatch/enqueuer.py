"""The background thread of a process that hands leads on, many at a time, and tries again what was refused.

    add -> waiting -> a batch -> settled
                              `-> refused -> kept -> Redis takes a write again -> read in PostgreSQL -> settled

While something is kept the thread itself asks Redis, several times a second: it waits for no other request, and closes
the breaker of its process. What cannot be kept, and what is left when the process ends, is counted and left to the
reconcilers.
"""

import atexit
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from redis.exceptions import RedisError

from routing import metrics
from routing.dispatch.retry_buffer import Part, RetryBuffer
from routing.dispatch.schedule import LEADS_A_CALL, TIMEOUT_SECONDS, Release
from routing.queries import DueTime
from routing.redis.client import prove_writable
from routing.redis.outage import BREAKER

logger = logging.getLogger(__name__)

MAX_WAITING: Final = 10_000
LEADS_A_BATCH: Final = 50
# With so many behind them the calls are what takes time: a slow Redis is asked less often, for more leads each.
MANY_WAITING: Final = 1_000
# A message costs a millisecond of CPU, a third of an intake request. The first lead goes out at once, those that come
# right after it go together.
PAUSE_BETWEEN_BATCHES_SECONDS: Final = 0.015
RETRY_SECONDS: Final = 0.25
# Between two lines of the log that say that this process is still cut off.
REMIND_SECONDS: Final = 30.0
# What a process that ends waits for the rest at the most.
EXIT_SECONDS: Final = 3.0

Enqueue = Callable[[Sequence[DueTime]], Sequence[int]]
EnqueueAgain = Callable[[Part], Part]


class Enqueuer:
    """Collects the changes of a process and settles them in one thread.

    The thread belongs to the process that started it: after a fork a new one is started on first use. `enqueue` returns
    the ids of the leads that were refused, `enqueue_again` what of a part is settled now; both run in the thread.
    """

    def __init__(
        self, enqueue: Enqueue, enqueue_again: EnqueueAgain, *, most_waiting: int = MAX_WAITING
    ) -> None:
        self._most_waiting = most_waiting
        self._enqueue = enqueue
        self._enqueue_again = enqueue_again
        self._waiting: queue.Queue[DueTime] = queue.Queue(most_waiting)
        self._buffer = RetryBuffer()
        self._lock = threading.Lock()
        self._pid = 0
        self._retry_at = 0.0
        self._remind_at = 0.0
        self._retried = 0

    @property
    def retrying_seconds(self) -> float:
        """How long this process has had leads that Redis or the broker do not take; 0: it has none."""
        return self._buffer.age_seconds

    def add(self, changes: Sequence[DueTime]) -> None:
        """Take changes without waiting."""
        self._ensure_thread()
        for at, change in enumerate(changes):
            try:
                self._waiting.put_nowait(change)
            except queue.Full:
                self.retry_later(each.lead_id for each in changes[at:])
                return

    def retry_later(self, leads: Iterable[int] = (), *, releases: Iterable[Release] = ()) -> None:
        """Try these again when Redis answers. What is too much is counted and left to the reconcilers."""
        self._ensure_thread()
        if left_out := self._buffer.add(leads, releases=releases):
            metrics.WAKES_LOST.labels(cause="retry_buffer_full").inc(left_out)

    def flush(self, *, timeout_seconds: float) -> bool:
        """Wait until everything taken so far was settled or kept. Returns False on time-out."""
        deadline = time.monotonic() + timeout_seconds
        with self._waiting.all_tasks_done:
            while self._waiting.unfinished_tasks:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return False
                self._waiting.all_tasks_done.wait(remaining)
        return True

    def drain(self, *, timeout_seconds: float = EXIT_SECONDS) -> int:
        """The process ends: wait until everything was settled, no longer than this. Returns how many leads are left.

        They are counted, and found by the leading dispatcher and the reconcilers.
        """
        if self._pid != os.getpid():
            return 0
        atexit.unregister(self.drain)  # once is enough
        deadline = time.monotonic() + timeout_seconds
        self.flush(timeout_seconds=timeout_seconds)
        self._buffer.wait_until_empty(max(0.0, deadline - time.monotonic()))
        left = self._waiting.unfinished_tasks + len(self._buffer)
        if left:
            metrics.WAKES_LOST.labels(cause="exit").inc(left)
            logger.error("routing.enqueue_left", extra={"leads": left})
        return left

    def _ensure_thread(self) -> None:
        if self._pid == os.getpid():
            return
        with self._lock:
            if self._pid != os.getpid():
                self._waiting, self._buffer = queue.Queue(self._most_waiting), RetryBuffer()
                threading.Thread(target=self._run, name="enqueuer", daemon=True).start()
                self._pid = os.getpid()
                atexit.register(self.drain)

    def _run(self) -> None:
        quiet_until = 0.0
        while True:
            batch = self._gather(quiet_until)
            try:
                self._enqueue_batch(batch)
                self._try_again()
            except Exception as error:  # noqa: BLE001 - the thread must outlive it, or nothing is handed on any more
                cause = type(error).__name__
                metrics.WAKES_LOST.labels(cause=cause).inc()
                logger.error("routing.enqueue_failed", extra={"cause": cause})
                self._retry_at = time.monotonic() + RETRY_SECONDS
            finally:
                quiet_until = time.monotonic() + PAUSE_BETWEEN_BATCHES_SECONDS
                for _ in batch:
                    self._waiting.task_done()

    def _gather(self, quiet_until: float) -> list[DueTime]:
        """Wait for a change, then until `quiet_until` for others, unless they fill a batch already.

        Empty: what is kept is to be tried again.
        """
        batch: list[DueTime] = []
        try:
            batch.append(self._waiting.get(timeout=self._patience_seconds()))
        except queue.Empty:
            return batch
        pause = quiet_until - time.monotonic()
        if pause > 0 and self._waiting.qsize() < LEADS_A_BATCH - 1:
            time.sleep(pause)
        most = LEADS_A_CALL if self._waiting.qsize() >= MANY_WAITING else LEADS_A_BATCH
        while len(batch) < most:
            try:
                batch.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return batch

    def _patience_seconds(self) -> float:
        """Another thread may begin to keep something while this one waits."""
        return max(0.0, self._retry_at - time.monotonic()) if len(self._buffer) else RETRY_SECONDS

    def _enqueue_batch(self, batch: Sequence[DueTime]) -> None:
        if batch and (refused := self._enqueue(batch)):
            self.retry_later(refused)

    def _try_again(self) -> None:
        """A part at a time: what comes in goes in between."""
        now = time.monotonic()
        if not len(self._buffer) or now < self._retry_at:
            return
        part = self._buffer.oldest(LEADS_A_CALL)
        settled = self._enqueue_again(part) if self._is_answered() else Part()
        self._buffer.remove(settled)
        self._retried += len(settled)
        metrics.ENQUEUE_RETRIED.inc(len(settled))
        if len(settled) < len(part):
            self._retry_at = time.monotonic() + RETRY_SECONDS
            self._remind(now)
        elif not len(self._buffer):
            self._tell_end()

    def _is_answered(self) -> bool:
        try:
            prove_writable(TIMEOUT_SECONDS)
        except RedisError:
            return False
        BREAKER.reset()
        return True

    def _remind(self, now: float) -> None:
        if now >= self._remind_at:
            logger.warning(
                "routing.enqueue_cut_off",
                extra={"leads": len(self._buffer), "seconds": int(self.retrying_seconds)},
            )
            self._remind_at = now + REMIND_SECONDS

    def _tell_end(self) -> None:
        logger.warning("routing.enqueue_caught_up", extra={"leads": self._retried})
        self._retried, self._remind_at = 0, 0.0
