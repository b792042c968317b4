"""Tells the workers that there is work, by task name. A wake-up may be lost: the pick-up finds what is due.

Publishing to a broker that is down takes up to three seconds, so requests hand their wake-ups to a thread, and while
the broker does not answer nothing is published for a while.
"""

import logging
import os
import queue
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from celery import current_app
from django.conf import settings
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from routing import metrics
from routing.breaker import Breaker

logger = logging.getLogger(__name__)

PROCESS_LEADS: Final = "distribution.process_leads"
MAX_WAITING: Final = 10_000
LEADS_A_MESSAGE: Final = 50
PAUSE_AFTER_FAILURE_SECONDS: Final = 5.0
# A message costs a millisecond of CPU, a third of an intake request. The first lead goes out at once, those that come
# right after it go together.
PAUSE_BETWEEN_MESSAGES_SECONDS: Final = 0.025


BREAKER: Final = Breaker(PAUSE_AFTER_FAILURE_SECONDS)


def send_wake(task: str, **options: Any) -> bool:
    """Publish one wake-up now. Returns False when it could not be sent; never raises for a broker's failure."""
    if not settings.LEADSWITCH_WAKE_ENABLED:
        return False
    if BREAKER.is_open:
        metrics.WAKES_LOST.labels(cause="broker_paused").inc()
        return False
    try:
        current_app.send_task(task, **options)
    except (KombuError, RedisError, OSError) as error:
        BREAKER.trip()
        cause = type(error).__name__
        metrics.WAKES_LOST.labels(cause=cause).inc()
        logger.warning("routing.wake_lost", extra={"task": task, "cause": cause})
        return False
    metrics.WAKES_SENT.inc()
    return True


class Waker:
    """Collects lead ids of a process and publishes them from one background thread, many to a message.

    The thread belongs to the process that started it: after a fork a new one is started on first use.
    """

    def __init__(self) -> None:
        self._waiting: queue.Queue[int] = queue.Queue(MAX_WAITING)
        self._lock = threading.Lock()
        self._pid = 0

    def wake(self, lead_ids: Sequence[int]) -> None:
        """Hand leads on without waiting. When too many wait already the rest is left to the pick-up."""
        self._ensure_thread()
        for lead_id in lead_ids:
            try:
                self._waiting.put_nowait(lead_id)
            except queue.Full:
                metrics.WAKES_LOST.labels(cause="queue_full").inc()

    def flush(self, *, timeout_seconds: float) -> bool:
        """Wait until everything handed on so far was published or given up. Returns False on time-out."""
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
                threading.Thread(target=self._run, name="waker", daemon=True).start()
                self._pid = os.getpid()

    def _run(self) -> None:
        quiet_until = 0.0
        while True:
            batch = self._gather(quiet_until)
            try:
                send_wake(PROCESS_LEADS, args=[batch])
            except Exception as error:  # noqa: BLE001 - the thread must outlive it, or nothing is woken any more
                cause = type(error).__name__
                metrics.WAKES_LOST.labels(cause=cause).inc()
                logger.error("routing.wake_failed", extra={"cause": cause})
            finally:
                quiet_until = time.monotonic() + PAUSE_BETWEEN_MESSAGES_SECONDS
                for _ in batch:
                    self._waiting.task_done()

    def _gather(self, quiet_until: float) -> list[int]:
        """Wait for a lead, then until `quiet_until` for others, unless they fill a message already."""
        batch = [self._waiting.get()]
        pause = quiet_until - time.monotonic()
        if pause > 0 and self._waiting.qsize() < LEADS_A_MESSAGE - 1:
            time.sleep(pause)
        while len(batch) < LEADS_A_MESSAGE:
            try:
                batch.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return batch


WAKER: Final = Waker()


def wake_leads(lead_ids: Sequence[int]) -> None:
    """Tell the workers about leads that are due now, after their transaction has committed."""
    if settings.LEADSWITCH_WAKE_ENABLED:
        WAKER.wake(lead_ids)
