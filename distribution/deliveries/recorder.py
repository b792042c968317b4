"""The threads of a deliverer that write: results, and after them the next attempts of rejected direct posts."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from django.db import Error, close_old_connections, connections
from django.utils import timezone

from distribution.deliveries.claim import LEASE_MARGIN_SECONDS
from distribution.deliveries.results import record_results
from distribution.deliveries.tried import Tried

logger = logging.getLogger(__name__)

RESULTS_AT_ONCE: Final = 100
PAUSE_AFTER_FAILURE_SECONDS: Final = 0.5
Distribute = Callable[[int], object]


class Recorder(threading.Thread):
    """Writes results until it is stopped and its queue is empty. A result outlives a failure of PostgreSQL.

    It does nothing else: a lead whose next attempt waits for a lock must not hold up the answers of other buyers.
    """

    def __init__(self, *, on_recorded: Callable[[int], None], on_due: Callable[[int], None]) -> None:
        super().__init__(name="recorder", daemon=True)
        self._on_recorded, self._on_due = on_recorded, on_due
        self._queue: queue.SimpleQueue[Sequence[Tried] | None] = queue.SimpleQueue()

    def add(self, tries: Sequence[Tried]) -> None:
        """What one thread of the pool did: one try, or the rows of a daily CSV."""
        self._queue.put(tries)

    def finish(self, *, seconds: float) -> None:
        self._queue.put(None)
        self.join(seconds)

    def run(self) -> None:
        is_open = True
        while is_open:
            done, is_open = self._take()
            if done:
                self._record([tried for tries in done for tried in tries])
                self._on_recorded(len(done))
        connections.close_all()

    def _take(self) -> tuple[list[Sequence[Tried]], bool]:
        """Wait for a result, and take those that came with it. False: it was stopped."""
        done: list[Sequence[Tried]] = []
        first = self._queue.get()
        while first is not None:
            done.append(first)
            if len(done) == RESULTS_AT_ONCE or self._queue.empty():
                return done, True
            first = self._queue.get()
        return done, False

    def _record(self, tries: Sequence[Tried]) -> None:
        """Until the leases end: another try is made then."""
        until = time.monotonic() + LEASE_MARGIN_SECONDS
        while time.monotonic() < until:
            try:
                recorded = record_results(tries, at=timezone.now())
            except Error as error:
                logger.warning("deliveries.not_recorded", extra={"cause": type(error).__name__})
                close_old_connections()
                time.sleep(PAUSE_AFTER_FAILURE_SECONDS)
                continue
            for lead_id in recorded.due_lead_ids:
                self._on_due(lead_id)
            return


class NextAttempts(threading.Thread):
    """Asks the next buyer at once. A lead whose attempt fails here is due, and the dispatcher finds it."""

    def __init__(self, distribute: Distribute) -> None:
        super().__init__(name="next-attempts", daemon=True)
        self._distribute = distribute
        self._queue: queue.SimpleQueue[int | None] = queue.SimpleQueue()

    def add(self, lead_id: int) -> None:
        self._queue.put(lead_id)

    def finish(self, *, seconds: float) -> None:
        self._queue.put(None)
        self.join(seconds)

    def run(self) -> None:
        while (lead_id := self._queue.get()) is not None:
            self._run_one(lead_id)
        connections.close_all()

    def _run_one(self, lead_id: int) -> None:
        close_old_connections()
        try:
            self._distribute(lead_id)
        except Exception as error:  # noqa: BLE001 - the one place that contains it
            logger.warning("deliveries.next_not_run", extra={"cause": type(error).__name__})
            close_old_connections()
