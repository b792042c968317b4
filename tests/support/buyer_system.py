"""A buyer's system: a real HTTP server on this machine that answers as a test says, and remembers what it was asked."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.support.waiting import LONGEST_SECONDS


@dataclass(frozen=True)
class Reply:
    """`cuts`: the connection ends without an answer. `waits_for`: the answer comes once this is set."""

    status: int = 200
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    cuts: bool = False
    waits_for: threading.Event | None = None


@dataclass(frozen=True)
class Asked:
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class BuyerSystem:
    """`replies` are given in order; the last one is repeated."""

    url: str
    replies: list[Reply]
    asked: list[Asked] = field(default_factory=list)
    most_at_once: int = 0
    running: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer_with(self, *replies: Reply) -> None:
        self.replies[:] = replies

    def message_ids(self) -> list[str]:
        return [each.headers["webhook-id"] for each in self.asked]

    def begin(self, asked: Asked) -> Reply:
        with self.lock:
            self.asked.append(asked)
            self.running += 1
            self.most_at_once = max(self.most_at_once, self.running)
            return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def end(self) -> None:
        with self.lock:
            self.running -= 1


@contextmanager
def buyer_system(*replies: Reply) -> Iterator[BuyerSystem]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = system.begin(Asked(self.path, headers, body))
            try:
                self.reply(reply)
            finally:
                system.end()

        do_GET = do_PUT = do_POST

        def reply(self, reply: Reply) -> None:
            if reply.waits_for is not None:
                reply.waits_for.wait(LONGEST_SECONDS)
            if reply.cuts:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in {"content-type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(reply.body.encode())))
            self.end_headers()
            self.wfile.write(reply.body.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    system = BuyerSystem(f"http://127.0.0.1:{server.server_port}/leads", list(replies or [Reply()]))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield system
    finally:
        server.shutdown()
        server.server_close()
        thread.join(LONGEST_SECONDS)


@pytest.fixture
def system() -> Iterator[BuyerSystem]:
    """A system that gets messages."""
    with buyer_system() as running:
        yield running
