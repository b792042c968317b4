"""Whether the pool of a worker makes progress: a worker counts as alive while one process of its pool works.

The main process keeps running while its pool hangs. So it checks with each heartbeat whether a task has started or has
reached its next lead. If none has, it sends the pool a call.
"""

import time
from collections.abc import Callable
from typing import Any, Final

# How long to wait before another call: a process that hangs may have taken the last one.
CALL_AGAIN_SECONDS: Final = 4.0


def answer() -> None:
    """Do nothing. A process of the pool that runs this works."""


class PoolProbe:
    """Watches one pool. Only the main process uses it, in its event loop."""

    def __init__(self, pool: Any, count_steps: Callable[[], int]) -> None:
        self._pool = pool
        self._count_steps = count_steps
        self._steps = count_steps()
        self._progress_at = time.monotonic()
        self._called_at = 0.0
        self._open_calls = 0

    def silent_seconds(self) -> float:
        """Return how long no process of the pool has made progress or answered. Calls the pool if it is silent."""
        now = time.monotonic()
        steps = self._count_steps()
        if steps != self._steps:
            self._steps, self._progress_at = steps, now
        elif self._may_call(now):
            self._call(now)
        return now - self._progress_at

    def _may_call(self, now: float) -> bool:
        """No more calls than processes: a process that hangs does not finish its call."""
        return self._open_calls < self._pool.num_processes and now - self._called_at >= CALL_AGAIN_SECONDS

    def _call(self, now: float) -> None:
        self._called_at = now
        self._open_calls += 1
        self._pool.apply_async(answer, callback=self._answered, error_callback=self._fail)

    def _answered(self, _: object) -> None:
        self._open_calls -= 1
        self._progress_at = time.monotonic()

    def _fail(self, _: object) -> None:
        """The process was lost; the pool starts another one."""
        self._open_calls -= 1
