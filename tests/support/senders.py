"""Senders that post leads to a web server over HTTP, one connection for each, and record the accepted leads."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any
from urllib.error import URLError

NUMBERS = count()


class Senders:
    def __init__(self, address: str, key: str) -> None:
        self.address = address
        self.key = key
        self.accepted: list[str] = []
        self._stop = threading.Event()

    def send(self) -> str:
        """Post one lead. Returns its public id. Raises OSError, HTTPError."""
        lead = {"zip": "30312", "email": f"a{next(NUMBERS)}@example.com"}
        request = urllib.request.Request(  # noqa: S310 - the test's own server
            f"{self.address}/api/v1/leads/",
            data=json.dumps(lead).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Api-Key {self.key}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            body: dict[str, Any] = json.load(answer)
            assert answer.status == 201
        self.accepted.append(body["id"])
        return str(body["id"])

    @contextmanager
    def streaming(self, number: int = 4) -> Iterator[None]:
        """Until the end of the block, or until the server refuses connections."""
        threads = [threading.Thread(target=self._stream) for _ in range(number)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _stream(self) -> None:
        while not self._stop.is_set():
            try:
                self.send()
            except (URLError, OSError):
                return
