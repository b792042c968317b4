"""A circuit breaker: a process does not wait again and again for a server that is down."""

import time
from collections.abc import Callable


class Breaker:
    """Open for a while after a failure. Belongs to one process; threads may share it.

    `pause_seconds` is called at a failure, and not before: modules make breakers before the settings are read.
    """

    def __init__(self, pause_seconds: Callable[[], float]) -> None:
        self._pause_seconds = pause_seconds
        self._open_until = 0.0

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self._open_until

    def trip(self) -> None:
        self._open_until = time.monotonic() + self._pause_seconds()

    def reset(self) -> None:
        self._open_until = 0.0
