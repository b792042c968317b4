"""`manage.py streams` as a process, and clients that listen to it."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from leadswitch.up import STREAMS
from tests.support.plain_http import plain_client
from tests.support.ports import free_port
from tests.support.processes import Program, logged
from tests.support.waiting import wait_until

PATH = "/api/v1/buyer/offers/stream/"
PORTAL_PATH = "/portal/offers/stream/"
SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class StreamServer:
    program: Program
    address: str

    @property
    def url(self) -> str:
        return f"{self.address}{PATH}"

    @property
    def portal_url(self) -> str:
        return f"{self.address}{PORTAL_PATH}"


@contextmanager
def stream_server(directory: Path, name: str = "streams", **environment: str) -> Iterator[StreamServer]:
    with stream_server_at(free_port(), directory, name, environment) as server:
        yield server


@contextmanager
def stream_server_at(
    port: int, directory: Path, name: str, environment: Mapping[str, str]
) -> Iterator[StreamServer]:
    address = f"http://127.0.0.1:{port}"
    settings = {"LEADSWITCH_ROLE": "web", **environment}
    with logged(directory / f"{name}.log", *STREAMS, "--port", str(port), **settings) as program:
        wait_until(lambda: _answers(f"{address}/livez"), what="the streams answer")
        yield StreamServer(program, address)


def _answers(url: str) -> bool:
    try:
        return plain_client().get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@dataclass(slots=True)
class Heard:
    """One event as a client reads it. `retry` and comments are no events."""

    id: str = ""
    event: str = ""
    data: dict[str, Any] = field(default_factory=dict)


class Client:
    """Reads a stream in a thread until it ends or `close` is called. `key`: of a buyer; or `cookie`: of a browser."""

    def __init__(self, url: str, key: str = "", *, last_id: str = "", cookie: str = "") -> None:
        self.events: list[Heard] = []
        self.comments: list[str] = []
        self.status = 0
        self.headers: dict[str, str] = {}
        self.is_over = threading.Event()
        self._begun = threading.Event()
        self._url, self._last_id = url, last_id
        self._signed_in = {"Cookie": cookie} if cookie else {"Authorization": f"Api-Key {key}"}
        self._response: httpx.Response | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._begun.wait(SECONDS)

    def close(self) -> None:
        if self._response is not None:
            self._response.close()
        self._thread.join(SECONDS)

    def wait_for(self, count: int) -> list[tuple[str, str]]:
        """The names of the events and the ids of their offers, when there are that many."""
        wait_until(lambda: len(self.events) >= count, what=f"{count} events of {self._url}")
        return [(each.event, each.data.get("id", "")) for each in self.events]

    def _run(self) -> None:
        headers = dict(self._signed_in)
        if self._last_id:
            headers["Last-Event-ID"] = self._last_id
        try:
            with plain_client().stream("GET", self._url, headers=headers, timeout=SECONDS) as response:
                self._response, self.status, self.headers = (
                    response,
                    response.status_code,
                    dict(response.headers),
                )
                self._begun.set()
                self._read(response)
        except (httpx.HTTPError, httpx.StreamError, OSError, ValueError):
            pass  # closed by the test, or the process is gone
        finally:
            self._begun.set()
            self.is_over.set()

    def _read(self, response: httpx.Response) -> None:
        heard = Heard()
        for line in response.iter_lines():
            name, _, value = line.partition(": ")
            if not line:
                if heard.event:
                    self.events.append(heard)
                heard = Heard()
            elif line.startswith(":"):
                self.comments.append(line)
            elif name == "data":
                heard.data = json.loads(value)
            elif name in ("id", "event"):
                setattr(heard, name, value)
