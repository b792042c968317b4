"""The background thread of a process that enqueues leads, many at a time, and retries what was refused.

    add -> waiting -> batch -> enqueued
                            `-> refused -> retry buffer -> Redis accepts writes again -> read in PostgreSQL -> enqueued

While the retry buffer has something, the thread itself probes Redis several times a second and closes the breaker of
its process. What does not fit into the buffer, and what is left when the process ends, is counted and left to the
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

from routing.dispatch.retry_buffer import BufferedPart, RetryBuffer
from routing.dispatch.schedule import LEADS_PER_CALL, TIMEOUT_SECONDS, Release
from routing.metrics.dispatch import ENQUEUE_RETRIED, WAKES_LOST
from routing.queries import DueTime
from routing.redis.client import prove_writable
from routing.redis.outage import BREAKER

logger = logging.getLogger(__name__)

# Leads beyond it go to the retry buffer, whose size is the setting: LEADSWITCH_RETRY_BUFFER_LEADS.
MAX_WAITING: Final = 10_000
LEADS_PER_BATCH: Final = 50
# With this many waiting, the calls are the bottleneck: a slow Redis gets fewer calls with more leads each.
MANY_WAITING: Final = 1_000
# A message costs a millisecond of CPU, a third of an intake request. The first lead goes out at once; leads that come
# right after it go out together.
PAUSE_BETWEEN_BATCHES_SECONDS: Final = 0.015
# No setting: it tests Redis with one write, from one thread of a process. LEADSWITCH_REDIS_PAUSE_MS spares the
# requests.
RETRY_SECONDS: Final = 0.25
# Between two log lines about a process that is still cut off.
REMIND_SECONDS: Final = 30.0
# How long a process that ends waits for the rest at most.
EXIT_SECONDS: Final = 3.0

Enqueue = Callable[[Sequence[DueTime]], Sequence[int]]
EnqueueAgain = Callable[[BufferedPart], BufferedPart]


class Enqueuer:
    """Collects the changes of a process and enqueues them in one thread.

    The thread belongs to the process that started it: after a fork, a new one starts on first use. `enqueue` returns
    the ids of the refused leads, `enqueue_again` what it could enqueue of a part. Both run in the thread.
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
        """How long the retry buffer has not been empty; 0: it is empty."""
        return self._buffer.age_seconds

    def add(self, changes: Sequence[DueTime]) -> None:
        """Accept changes without waiting."""
        self._ensure_thread()
        for at, change in enumerate(changes):
            try:
                self._waiting.put_nowait(change)
            except queue.Full:
                self.retry_later(each.lead_id for each in changes[at:])
                return

    def retry_later(self, leads: Iterable[int] = (), *, releases: Iterable[Release] = ()) -> None:
        """Retry these when Redis responds. What does not fit is counted and left to the reconcilers."""
        self._ensure_thread()
        if left_out := self._buffer.add(leads, releases=releases):
            WAKES_LOST.labels(cause="retry_buffer_full").inc(left_out)

    def flush(self, *, timeout_seconds: float) -> bool:
        """Wait until everything added so far is enqueued or in the retry buffer. Returns False on timeout."""
        deadline = time.monotonic() + timeout_seconds
        with self._waiting.all_tasks_done:
            while self._waiting.unfinished_tasks:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return False
                self._waiting.all_tasks_done.wait(remaining)
        return True

    def drain(self, *, timeout_seconds: float = EXIT_SECONDS) -> int:
        """Wait, as the process ends, until everything is enqueued, at most this long. Returns how many leads are left.

        They are counted. The leading dispatcher and the reconcilers find them.
        """
        if self._pid != os.getpid():
            return 0
        atexit.unregister(self.drain)  # once is enough
        deadline = time.monotonic() + timeout_seconds
        self.flush(timeout_seconds=timeout_seconds)
        self._buffer.wait_until_empty(max(0.0, deadline - time.monotonic()))
        left = self._waiting.unfinished_tasks + len(self._buffer)
        if left:
            WAKES_LOST.labels(cause="exit").inc(left)
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
                self._retry()
            except Exception as error:  # noqa: BLE001 - the thread must survive it, or nothing is enqueued
                cause = type(error).__name__
                WAKES_LOST.labels(cause=cause).inc()
                logger.error("routing.enqueue_failed", extra={"cause": cause})
                self._retry_at = time.monotonic() + RETRY_SECONDS
            finally:
                quiet_until = time.monotonic() + PAUSE_BETWEEN_BATCHES_SECONDS
                for _ in batch:
                    self._waiting.task_done()

    def _gather(self, quiet_until: float) -> list[DueTime]:
        """Wait for a change, then until `quiet_until` for others, unless they already fill a batch.

        Returns an empty list when the retry buffer is due.
        """
        batch: list[DueTime] = []
        try:
            batch.append(self._waiting.get(timeout=self._longest_wait_seconds()))
        except queue.Empty:
            return batch
        pause = quiet_until - time.monotonic()
        if pause > 0 and self._waiting.qsize() < LEADS_PER_BATCH - 1:
            time.sleep(pause)
        most = LEADS_PER_CALL if self._waiting.qsize() >= MANY_WAITING else LEADS_PER_BATCH
        while len(batch) < most:
            try:
                batch.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return batch

    def _longest_wait_seconds(self) -> float:
        """Another thread may add to the retry buffer while this one waits."""
        return max(0.0, self._retry_at - time.monotonic()) if len(self._buffer) else RETRY_SECONDS

    def _enqueue_batch(self, batch: Sequence[DueTime]) -> None:
        if batch and (refused := self._enqueue(batch)):
            self.retry_later(refused)

    def _retry(self) -> None:
        """Retry one part at a time, so that new changes do not wait."""
        now = time.monotonic()
        if not len(self._buffer) or now < self._retry_at:
            return
        part = self._buffer.oldest(LEADS_PER_CALL)
        enqueued = self._enqueue_again(part) if self._is_answered() else BufferedPart()
        self._buffer.remove(enqueued)
        self._retried += len(enqueued)
        ENQUEUE_RETRIED.inc(len(enqueued))
        if len(enqueued) < len(part):
            self._retry_at = time.monotonic() + RETRY_SECONDS
            self._remind(now)
        elif not len(self._buffer):
            self._log_end()

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

    def _log_end(self) -> None:
        logger.warning("routing.enqueue_caught_up", extra={"leads": self._retried})
        self._retried, self._remind_at = 0, 0.0
