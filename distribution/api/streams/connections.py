"""The connections of `manage.py streams`. One without a request is closed after a few seconds.

uvicorn closes a connection that is idle after an answer, but waits forever for the rest of a request: each such
connection would keep an open file.
"""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol


class StreamConnection(H11Protocol):
    """A stream that is being sent has no limit here: a client that reads nothing is cut by the application."""

    request_seconds: ClassVar[float] = 10.0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        if self._is_answering:
            self._forget_deadline()

    def on_response_complete(self) -> None:
        self._expect_request()
        super().on_response_complete()

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _expect_request(self) -> None:
        self._forget_deadline()
        self._deadline = self.loop.call_later(self.request_seconds, self._close_unless_answering)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _close_unless_answering(self) -> None:
        """`close` would wait for a client that does not read the answer before."""
        if not self._is_answering:
            self.transport.abort()
