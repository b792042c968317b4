"""Bounds what takes seconds inside a web process, so that other requests always find a free thread.

A process has few threads (leadswitch/web/config.py). Without a bound, one buyer whose system does not answer, or who
replays leads all day, would occupy all of them, and leads of every agency would wait.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Final

BUSY: Final = "LeadSwitch is busy with the same for others. Try again in a moment."


class TooBusy(Exception):
    """Nothing was done: as many as possible run already. The message is a sentence for the person who asked."""

    def __init__(self) -> None:
        super().__init__(BUSY)
        self.message = BUSY


class Places:
    """`most`: how many may run at once in this process."""

    def __init__(self, most: int) -> None:
        self._free: SimpleQueue[None] = SimpleQueue()
        for _ in range(most):
            self._free.put(None)

    @contextmanager
    def take(self) -> Iterator[None]:
        """Raises TooBusy at once: to wait for a place would occupy a thread as well."""
        try:
            self._free.get_nowait()
        except Empty:
            raise TooBusy from None
        try:
            yield
        finally:
            self._free.put(None)


# Name servers, systems that are tested, and the card provider.
OUTSIDE: Final = Places(2)
# It uses the processor all the time.
REPLAYS: Final = Places(1)
# Sums of all entries of a workspace, each for seconds in the database.
SUMS: Final = Places(1)
