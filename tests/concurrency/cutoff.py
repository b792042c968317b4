"""A way to Redis that can be cut: connections stay open and nothing comes through, as behind a broken network."""

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
    """Copies bytes between a socket of its own and the server's, unless it is cut."""

    def __init__(self, path: Path, server: str) -> None:
        self.url = f"unix://{quote(str(path))}?db=0"
        self._server = server
        self._is_open = threading.Event()
        self._is_open.set()
        self._is_over = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._is_open.clear()

    def mend(self) -> None:
        self._is_open.set()

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
            other = {client: server, server: client}
            while not self._is_over.is_set():
                if not self._is_open.wait(POLL_SECONDS):
                    continue
                for readable in select.select(list(other), [], [], POLL_SECONDS)[0]:
                    data = readable.recv(CHUNK)
                    if not data:
                        return
                    other[readable].sendall(data)


@contextmanager
def way_to(redis_url: str, directory: Path) -> Iterator[Way]:
    path = directory / f"way-{os.getpid()}.sock"
    way = Way(path, unquote(urlsplit(redis_url).path))
    try:
        yield way
    finally:
        way.close()
        path.unlink(missing_ok=True)
