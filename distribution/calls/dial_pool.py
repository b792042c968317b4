"""The threads of a dialer that begin and place calls. Each has a connection of its own."""

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Final

from django.db import close_old_connections, connections

from distribution import metrics
from distribution.calls.begin import Begun, NotBegun, begin_call
from distribution.calls.carriers import GetCarrier, get_carrier
from distribution.calls.dialing import dial
from distribution.calls.picking import Picked

logger = logging.getLogger(__name__)

# A lead that another process has locked, or that has no channel although there seemed to be one, is left alone so long.
LEFT_ALONE_SECONDS: Final = 0.25


class DialPool:
    """`on_done` is called after each verification, and after each beginning: there may be room for another one.

    Half of the threads are the most that place calls over one carrier account: the carrier may not answer for as long
    as a request may last, and other accounts must be called.
    """

    def __init__(
        self, threads: int, *, on_done: Callable[[], None], carrier_of: GetCarrier = get_carrier
    ) -> None:
        self._size, self._on_done, self._carrier_of = threads, on_done, carrier_of
        self._most_of_account = (threads + 1) // 2
        self._queue: queue.SimpleQueue[Picked | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._beginning: dict[int, Picked] = {}
        self._dialing: Counter[int] = Counter()
        self._left_alone: dict[int, float] = {}
        self._busy = 0
        self._is_stopping = False
        self.threads = [
            threading.Thread(target=self._run, name=f"dial-{number}", daemon=True)
            for number in range(threads)
        ]

    def submit(self, picked: Picked) -> None:
        with self._lock:
            self._busy += 1
            self._beginning[picked.verification_id] = picked
        self._queue.put(picked)

    def count_free(self) -> int:
        with self._lock:
            return self._size - self._busy

    def count_left_of(self, account_id: int) -> int:
        """How many threads may still begin to place calls over this account."""
        with self._lock:
            return max(0, self._most_of_account - self._dialing[account_id])

    def list_crowded(self) -> Collection[int]:
        """The accounts that have all the threads that they may have."""
        with self._lock:
            return [key for key, count in self._dialing.items() if count >= self._most_of_account]

    def list_taken(self) -> list[int]:
        """Verifications that are on their way to a line, or are left alone for a moment."""
        now = time.monotonic()
        with self._lock:
            self._left_alone = {key: until for key, until in self._left_alone.items() if until > now}
            return [*self._beginning, *self._left_alone]

    def count_beginning(self) -> Mapping[int, int]:
        """By workspace: they are about to take lines that are counted as free."""
        with self._lock:
            return Counter(picked.workspace_id for picked in self._beginning.values())

    def seconds_until_tried_again(self) -> float | None:
        """Until the first of those that are left alone may be picked again."""
        with self._lock:
            first = min(self._left_alone.values(), default=None)
        return None if first is None else max(0.0, first - time.monotonic())

    def finish(self, *, seconds: float) -> None:
        """No new calls. Requests that run may end, and be recorded."""
        self._is_stopping = True
        for _ in self.threads:
            self._queue.put(None)
        until = time.monotonic() + seconds
        for thread in self.threads:
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        while (picked := self._queue.get()) is not None:
            try:
                self._dial(picked)
            finally:
                with self._lock:
                    self._busy -= 1
                self._on_done()
        connections.close_all()

    def _dial(self, picked: Picked) -> None:
        begun = self._begin(picked)
        if begun is None:
            return
        self._on_done()
        try:
            dial(begun, carrier_of=self._carrier_of)
        except Exception as error:  # noqa: BLE001 - the one place that contains it; the checker ends the call
            metrics.DIALER_FAILURES.inc()
            logger.error("calls.dial_failed", extra={"cause": type(error).__name__})
            close_old_connections()
        finally:
            with self._lock:
                self._dialing[begun.account.pk] -= 1

    def _begin(self, picked: Picked) -> Begun | None:
        """None: there is nothing to request."""
        result: Begun | NotBegun | None = None
        try:
            if not self._is_stopping:
                result = begin_call(picked.verification_id, without=self.list_crowded())
        except Exception as error:  # noqa: BLE001 - one lead must not end the thread
            self._note_failure(error)
        finally:
            with self._lock:
                del self._beginning[picked.verification_id]
                if isinstance(result, Begun):
                    self._dialing[result.account.pk] += 1
                else:
                    self._left_alone[picked.verification_id] = time.monotonic() + LEFT_ALONE_SECONDS
        return result if isinstance(result, Begun) else None

    def _note_failure(self, error: Exception) -> None:
        metrics.DIALER_FAILURES.inc()
        logger.warning("calls.not_begun", extra={"cause": type(error).__name__})
        close_old_connections()
