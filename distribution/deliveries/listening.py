"""Hears from PostgreSQL that something is due, so that a deliverer or payer need not wait for its next poll.

Behind PgBouncer in transaction mode nothing can be heard: the deliverer polls then.
"""

import logging
import threading
from collections.abc import Mapping
from typing import Any, Final

import psycopg
from django.db import connection
from psycopg import sql

logger = logging.getLogger(__name__)

CHECK_STOP_SECONDS: Final = 1.0
PAUSE_AFTER_FAILURE_SECONDS: Final = 2.0


class Listener(threading.Thread):
    """Sets an event at each notification, and once after each new connection: some may have been missed.

    `wakes`: the event of each channel.
    """

    def __init__(self, *, stop: threading.Event, wakes: Mapping[str, threading.Event]) -> None:
        super().__init__(name="listener", daemon=True)
        self._stop_event, self._wakes = stop, wakes

    def run(self) -> None:
        while not self._stop_event.is_set():
            try:
                self._listen()
            except psycopg.Error as error:
                logger.warning("deliveries.not_listening", extra={"cause": type(error).__name__})
                self._stop_event.wait(PAUSE_AFTER_FAILURE_SECONDS)

    def _listen(self) -> None:
        with open_connection() as listening:
            for channel, wake in self._wakes.items():
                listening.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                wake.set()
            while not self._stop_event.is_set():
                for notified in listening.notifies(timeout=CHECK_STOP_SECONDS, stop_after=1):
                    self._wakes[notified.channel].set()


def open_connection() -> "psycopg.Connection[tuple[object, ...]]":
    """A connection of its own: a listening one cannot be used for statements."""
    return psycopg.connect(**connection_parameters(), autocommit=True)


def connection_parameters() -> dict[str, Any]:
    """What psycopg connects with, as Django would."""
    parameters: dict[str, Any] = connection.get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(name, None)
    return parameters
