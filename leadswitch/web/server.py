"""waitress with time limits and a connection limit. A client that sends slowly or nothing blocks no thread."""

import time
from typing import Any, Final

from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer

# From its first byte to its last, and from the connection to the first byte. A proxy sends a request in one go.
REQUEST_SECONDS: Final = 30.0


class TimedChannel(HTTPChannel):
    """A connection that measures how long the server has waited for it."""

    partial: Any = None
    partial_since: float = 0.0

    def received(self, data: bytes) -> bool:
        taken: bool = super().received(data)
        if self.request is not self.partial:
            self.partial, self.partial_since = self.request, time.time()
        return taken

    @property
    def waiting_since(self) -> float:
        if self.request is not None:
            return self.partial_since
        return self.last_activity

    def is_overdue(self, now: float) -> bool:
        return not self.requests and now > self.waiting_since + self.timeout_seconds

    @property
    def timeout_seconds(self) -> float:
        is_between_requests = self.request is None and self.last_activity > self.creation_time
        return self.adj.channel_timeout if is_between_requests else REQUEST_SECONDS


class BufferingServer(TcpWSGIServer):
    """The server of one listening socket in one process."""

    channel_class = TimedChannel
    is_stopping = False

    def __init__(self, *arguments: Any, max_connections: int, **options: Any) -> None:
        self.max_connections = max_connections
        super().__init__(*arguments, **options)

    @property
    def connections(self) -> list[TimedChannel]:
        channels: Any = self.active_channels
        return list(channels.values())

    def handle_accept(self) -> None:
        super().handle_accept()
        if len(self.connections) > self.max_connections:
            self.close_stalest()

    def close_stalest(self) -> None:
        """At the limit close the connection that has been idle longest, so that idle ones do not block others."""
        waiting = [each for each in self.connections if not (each.requests or each.will_close)]
        if waiting:
            min(waiting, key=lambda each: each.waiting_since).will_close = True

    def maintenance(self, now: float) -> None:
        for channel in self.connections:
            if channel.is_overdue(now):
                channel.will_close = True

    def add_task(self, task: Any) -> None:
        if self.is_stopping:
            # The response closes the connection, so that the client sends no further request on it.
            task.requests[0].headers["CONNECTION"] = "close"
        super().add_task(task)

    def stop_accepting(self) -> None:
        self.is_stopping = True
        self.del_channel()
        if self.socket is not None:
            self.socket.close()

    def close_idle(self) -> None:
        for channel in self.connections:
            if not (channel.requests or channel.total_outbufs_len):
                channel.handle_close()
