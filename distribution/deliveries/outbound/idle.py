"""Connections that wait for the next request to the same host. Thread-safe."""

from collections import deque
from threading import Lock
from typing import Final

from distribution.deliveries.outbound.connection import Connection

MAX_IDLE: Final = 64


class IdleConnections:
    """Ordered by the time of their return: the oldest is first.

    A reused connection goes to the address that was checked when it was opened, so its host is not looked up again.
    """

    def __init__(self) -> None:
        self._idle: deque[Connection] = deque()
        self._lock = Lock()

    def take(self, origin: tuple[str, str, int]) -> Connection | None:
        """Return the one that was used last. What can no longer be used is closed on the way."""
        while (found := self._pop(origin)) is not None:
            if found.is_reusable:
                return found
            found.close()
        return None

    def _pop(self, origin: tuple[str, str, int]) -> Connection | None:
        with self._lock:
            for place in range(len(self._idle) - 1, -1, -1):
                if self._idle[place].origin == origin:
                    found = self._idle[place]
                    del self._idle[place]
                    return found
        return None

    def give_back(self, connection: Connection) -> None:
        """Keep it for the next request unless it is over. Whether the other side closed it is seen at its next use."""
        if connection.is_over:
            connection.close()
            return
        with self._lock:
            self._idle.append(connection)
        self.close_unusable()

    def close_unusable(self) -> None:
        """Close the oldest ones that are over, and those beyond MAX_IDLE."""
        while (oldest := self._pop_oldest()) is not None:
            oldest.close()

    def _pop_oldest(self) -> Connection | None:
        with self._lock:
            if self._idle and (len(self._idle) > MAX_IDLE or self._idle[0].is_over):
                return self._idle.popleft()
        return None

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, deque()
        for connection in idle:
            connection.close()

    def __len__(self) -> int:
        return len(self._idle)
