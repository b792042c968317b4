"""A connection to Redis that can be cut: it stays open and no data passes, as behind a broken network.

It can also lose one answer: Redis has run the command, and the connection ends before the answer.
"""

import os
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

CHUNK: Final = 65_536
POLL_SECONDS: Final = 0.05


class Way:
    """Copies bytes between its socket and the server's, unless it is cut."""

    def __init__(self, path: Path, server: str) -> None:
        self.url = f"unix://{quote(str(path))}?db=0"
        self._server = server
        self._is_open = threading.Event()
        self._is_open.set()
        self._is_over = threading.Event()
        self._lost_to = b""
        self._least_parts = 0
        self.has_lost = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._is_open.clear()

    def reconnect(self) -> None:
        self._is_open.set()

    def lose_answer(self, asked: str, *, least_parts: int) -> None:
        """Lose the next answer of `least_parts` or more to a command with this text. Then `has_lost` is set."""
        self._lost_to, self._least_parts = asked.encode(), least_parts

    def close(self) -> None:
        self._is_over.set()
        self._listener.close()

    def _accept(self) -> None:
        while not self._is_over.is_set():
            with suppress(OSError):
                client, _ = self._listener.accept()
                threading.Thread(target=self._copy, args=(client,), daemon=True).start()

    def _copy(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, suppress(OSError):
            server.connect(self._server)
            other, asked = {client: server, server: client}, b""
            while not self._is_over.is_set():
                if not self._is_open.wait(POLL_SECONDS):
                    continue
                for readable in select.select(list(other), [], [], POLL_SECONDS)[0]:
                    data = readable.recv(CHUNK)
                    if not data or (readable is server and self._loses(asked, data)):
                        return
                    asked = data if readable is client else asked
                    other[readable].sendall(data)

    def _loses(self, asked: bytes, answer: bytes) -> bool:
        if not self._lost_to or self._lost_to not in asked or count_parts(answer) < self._least_parts:
            return False
        self._lost_to = b""
        self.has_lost.set()
        return True


def count_parts(answer: bytes) -> int:
    """The number of parts in an array of the Redis protocol."""
    return int(answer[1 : answer.index(b"\r\n")]) if answer.startswith(b"*") else 0


@contextmanager
def way_to(redis_url: str, directory: Path) -> Iterator[Way]:
    path = directory / f"way-{os.getpid()}.sock"
    way = Way(path, unquote(urlsplit(redis_url).path))
    try:
        yield way
    finally:
        way.close()
        path.unlink(missing_ok=True)
