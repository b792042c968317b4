"""How much a deliverer has to do right now. Thread-safe."""

from threading import Lock
from typing import Final

# Results that wait to be written, for each thread. Beyond it, nothing new is claimed.
MOST_UNRECORDED: Final = 4


class Load:
    """Messages that wait for a thread or are sent, and results that are not written yet."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._lock = Lock()
        self._running, self._unrecorded, self._ended = 0, 0, 0

    def begin(self) -> None:
        with self._lock:
            self._running += 1

    def end(self) -> int:
        """A message was sent, and its result handed over. Returns how many threads are free."""
        with self._lock:
            self._running -= 1
            self._unrecorded += 1
            self._ended += 1
            return self._threads - self._running

    def note_recorded(self, count: int) -> None:
        with self._lock:
            self._unrecorded -= count

    def count_free(self) -> int:
        """How many messages can begin now. Below 0: as many wait for a thread."""
        with self._lock:
            is_full = self._unrecorded >= MOST_UNRECORDED * self._threads
            return 0 if is_full else self._threads - self._running

    def take_ended(self) -> int:
        """How many were sent since the last call: about as many threads become free until the next one.

        They may be claimed ahead. While all receivers hang there are none, and nothing waits for a thread here that
        another deliverer could send.
        """
        with self._lock:
            ended, self._ended = self._ended, 0
            return min(ended, self._threads)

    @property
    def is_idle(self) -> bool:
        with self._lock:
            return self._running == 0 and self._unrecorded == 0
