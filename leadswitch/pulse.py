"""Whether the processes of a worker's pool run anything: its main process is alive for as long as one of them does.

The main process goes on while its pool hangs. So with each of its heartbeats it looks whether a task was begun or
has gone on to its next lead since, and gives the pool a call of its own when none has.
"""

import time
from collections.abc import Callable
from typing import Any, Final

# One more call is given while the last has no answer: a process that hangs may have taken it.
CALL_AGAIN_SECONDS: Final = 4.0


def answer() -> None:
    """What a process of the pool runs to show that it runs anything."""


class Pulse:
    """Of one pool. Used by the main process alone, in its event loop."""

    def __init__(self, pool: Any, count_steps: Callable[[], int]) -> None:
        self._pool = pool
        self._count_steps = count_steps
        self._steps = count_steps()
        self._beaten_at = time.monotonic()
        self._called_at = 0.0
        self._open_calls = 0

    def silent_seconds(self) -> float:
        """How long no process of the pool has gone on or answered a call. Calls the pool when it is silent."""
        now = time.monotonic()
        steps = self._count_steps()
        if steps != self._steps:
            self._steps, self._beaten_at = steps, now
        elif self._may_call(now):
            self._call(now)
        return now - self._beaten_at

    def _may_call(self, now: float) -> bool:
        """No more calls than processes: those that hang keep what they have taken."""
        return self._open_calls < self._pool.num_processes and now - self._called_at >= CALL_AGAIN_SECONDS

    def _call(self, now: float) -> None:
        self._called_at = now
        self._open_calls += 1
        self._pool.apply_async(answer, callback=self._beat, error_callback=self._fail)

    def _beat(self, _: object) -> None:
        self._open_calls -= 1
        self._beaten_at = time.monotonic()

    def _fail(self, _: object) -> None:
        """Its process was lost; another one takes its place."""
        self._open_calls -= 1
