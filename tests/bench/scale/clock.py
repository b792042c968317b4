"""How long a piece of work took: CPU time of this process and of its database session, even on a busy machine.

Measured code does not sleep, and reads no disk once it is warm. With a server elsewhere, or without /proc, it is
wall-clock time.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

NANOSECONDS = 1e9


@dataclass(frozen=True, slots=True)
class Elapsed:
    """In ms. `work_ms`: None if the session's CPU time cannot be read."""

    wall_ms: float
    work_ms: float | None

    @property
    def judged_ms(self) -> float:
        return self.wall_ms if self.work_ms is None else min(self.wall_ms, self.work_ms)


class Clock:
    """The clock of one open connection."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            process_id = cursor.fetchone()[0]
        self._schedule = Path(f"/proc/{process_id}/schedstat")
        name = Path(f"/proc/{process_id}/comm")
        self._is_here = name.exists() and name.read_text().strip() == "postgres"

    def time(self, work: Callable[[], None]) -> Elapsed:
        started, used = time.perf_counter(), self._used()
        work()
        wall_ms = 1000 * (time.perf_counter() - started)
        ended = self._used()
        return Elapsed(wall_ms, None if used is None or ended is None else 1000 * (ended - used))

    def _used(self) -> float | None:
        """In seconds. None if the connection was reopened and another process serves it."""
        if not self._is_here:
            return None
        try:
            session = int(self._schedule.read_text().split()[0]) / NANOSECONDS
        except FileNotFoundError:
            return None
        return time.process_time() + session
