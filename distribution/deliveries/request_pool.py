"""The threads of a deliverer that make the requests. They use no database."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from distribution.deliveries.claim import LEASE_MARGIN_SECONDS
from distribution.deliveries.content import Work

# The other half is for writing the result.
LONGEST_QUEUED_SECONDS: Final = LEASE_MARGIN_SECONDS / 2


@dataclass(frozen=True, slots=True)
class Task:
    """The works of one message. `claimed_at`: monotonic, just before its lease began."""

    works: Sequence[Work]
    claimed_at: float

    @property
    def is_late(self) -> bool:
        """It waited for a thread, and its request might end after its lease. Another try would send it again."""
        return time.monotonic() - self.claimed_at > LONGEST_QUEUED_SECONDS


class RequestPool:
    """Daemon threads: a process that stops does not wait a minute for the slowest buyer."""

    def __init__(self, threads: int, *, work: Callable[[Task], None]) -> None:
        self._queue: queue.SimpleQueue[Task] = queue.SimpleQueue()
        self._work = work
        self.threads = [
            threading.Thread(target=self._run, name=f"request-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def submit(self, task: Task) -> None:
        self._queue.put(task)

    def _run(self) -> None:
        while True:
            self._work(self._queue.get())
