"""A thread of a dialer that does one thing again and again."""

import logging
import threading
from collections.abc import Callable
from typing import Final

from django.db import close_old_connections, connections

from distribution import metrics

logger = logging.getLogger(__name__)

# Many notifications in a row are one turn, which costs some statements although nothing is due.
REST_SECONDS: Final = 0.2
PAUSE_AFTER_FAILURE_SECONDS: Final = 0.5


class Repeater(threading.Thread):
    """Calls `step` while it has something to do, when it is woken, and every `seconds`. It survives every failure.

    It rests after a turn that found nothing to do.
    """

    def __init__(
        self,
        name: str,
        *,
        step: Callable[[], int],
        stop: threading.Event,
        wake: threading.Event,
        seconds: float,
        rest_seconds: float = REST_SECONDS,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._step, self._stop_event, self._wake = step, stop, wake
        self._seconds, self._rest_seconds = seconds, rest_seconds

    def run(self) -> None:
        while not self._stop_event.is_set():
            self._wake.clear()
            if not self._turn():
                self._stop_event.wait(self._rest_seconds)
                self._wake.wait(self._seconds)
        connections.close_all()

    def _turn(self) -> int:
        try:
            close_old_connections()
            return self._step()
        except Exception as error:  # noqa: BLE001 - one bad call must not end the thread, nor its dialer
            metrics.DIALER_FAILURES.inc()
            logger.error("calls.part_failed", extra={"part": self.name, "cause": type(error).__name__})
            close_old_connections()
            self._stop_event.wait(PAUSE_AFTER_FAILURE_SECONDS)
        return 0
