"""The threads of a deliverer that write: results, and after them the next attempts of rejected direct posts."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from django.db import (
    Error,
    InterfaceError,
    OperationalError,
    close_old_connections,
    connection,
    connections,
)
from django.utils import timezone

from distribution.deliveries.claim import LEASE_MARGIN_SECONDS
from distribution.deliveries.results import record_results
from distribution.deliveries.setting_aside import set_aside
from distribution.deliveries.tried import Tried

logger = logging.getLogger(__name__)

RESULTS_AT_ONCE: Final = 100
PAUSE_AFTER_FAILURE_SECONDS: Final = 0.5
Distribute = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class _Result:
    """Not written yet. `until`: when its lease ends. `messages`: 1 for the first row of a message, 0 for the others."""

    tried: Tried
    until: float
    messages: int


class Recorder(threading.Thread):
    """Writes results until it is stopped and none is left. A result outlives a failure of PostgreSQL.

    It does nothing else: a lead whose next attempt waits for a lock must not hold up the answers of other buyers. One
    result that cannot be written must not either.
    """

    def __init__(self, *, on_recorded: Callable[[int], None], on_due: Callable[[int], None]) -> None:
        super().__init__(name="recorder", daemon=True)
        self._on_recorded, self._on_due = on_recorded, on_due
        self._queue: queue.SimpleQueue[Sequence[Tried] | None] = queue.SimpleQueue()
        self._waiting: list[_Result] = []
        self._is_open = True

    def add(self, tries: Sequence[Tried]) -> None:
        """What one thread of the pool did: one try, or the rows of a daily CSV."""
        self._queue.put(tries)

    def finish(self, *, seconds: float) -> None:
        self._queue.put(None)
        self.join(seconds)

    def run(self) -> None:
        while self._is_open or self._waiting:
            self._take()
            self._record_all()
        connections.close_all()

    def _take(self) -> None:
        """Take a result and those that came with it. Waits for one, or until those that failed are written again."""
        pause_seconds = PAUSE_AFTER_FAILURE_SECONDS if self._waiting else None
        if not self._is_open:
            time.sleep(PAUSE_AFTER_FAILURE_SECONDS)
        with suppress(queue.Empty):
            if self._is_open:
                self._accept(self._queue.get(timeout=pause_seconds))
            while self._is_open and len(self._waiting) < RESULTS_AT_ONCE:
                self._accept(self._queue.get_nowait())

    def _accept(self, tries: Sequence[Tried] | None) -> None:
        self._is_open = tries is not None
        until = time.monotonic() + LEASE_MARGIN_SECONDS
        self._waiting += [_Result(tried, until, int(place == 0)) for place, tried in enumerate(tries or ())]

    def _record_all(self) -> None:
        """Those without money together. Each of a direct post alone: it has its own transaction and its own lock."""
        results, self._waiting = self._waiting, []
        plain = [each for each in results if not each.tried.work.claimed.is_direct_post]
        direct = [[each] for each in results if each.tried.work.claimed.is_direct_post]
        for group in filter(None, [plain, *direct]):
            self._record(group)
        recorded = sum(each.messages for each in results) - sum(each.messages for each in self._waiting)
        if recorded:
            self._on_recorded(recorded)

    def _record(self, group: Sequence[_Result]) -> None:
        try:
            recorded = record_results([each.tried for each in group], at=timezone.now())
        except Exception as error:  # noqa: BLE001 - the one place that contains it
            logger.warning("deliveries.not_recorded", extra={"cause": type(error).__name__})
            self._isolate(group, error)
        else:
            for lead_id in recorded.due_lead_ids:
                self._on_due(lead_id)

    def _isolate(self, group: Sequence[_Result], error: Exception) -> None:
        """Write later what the server or a lock refuses for now. Of several, find the one that fails."""
        passes = isinstance(error, OperationalError | InterfaceError)
        if passes and not connection.is_usable():
            close_old_connections()
            self._keep(group)
        elif len(group) > 1:
            for each in group:
                self._record([each])
        elif passes or not self._set_aside(group[0].tried, error):
            self._keep(group)

    def _keep(self, group: Sequence[_Result]) -> None:
        """Until the leases end: another try is made then."""
        now = time.monotonic()
        self._waiting += [each for each in group if each.until > now]

    def _set_aside(self, tried: Tried, error: Exception) -> bool:
        try:
            set_aside(tried, cause=error, at=timezone.now())
        except Error as failure:
            logger.error("deliveries.not_set_aside", extra={"cause": type(failure).__name__})
            return False
        return True


class NextAttempts(threading.Thread):
    """Asks the next buyer at once. A lead whose attempt fails here is due, and the dispatcher finds it."""

    def __init__(self, distribute: Distribute, *, name: str = "next-attempts") -> None:
        super().__init__(name=name, daemon=True)
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
