"""The limits of the web server, on real sockets, one turn of its loop at a time."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.task import ThreadedTaskDispatcher

from leadswitch.web import config
from leadswitch.web.server import REQUEST_SECONDS, BufferingServer, TimedChannel
from leadswitch.web.worker import BufferingWorker, adjust, allow_connections

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
HALF = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhal"


class InTurn(ThreadedTaskDispatcher):
    """Without threads: the test answers requests in its own thread."""

    def serve(self) -> None:
        while self.queue:
            self.queue.popleft().service()


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    body = f"{environ['REMOTE_ADDR']} {environ['wsgi.url_scheme']} {sorted(proxied(environ))}".encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def proxied(environ: dict[str, Any]) -> list[str]:
    return [name for name in environ if name.startswith("HTTP_X_FORWARDED")]


class Served:
    """A server and its clients."""

    def __init__(self, stack: ExitStack, *, max_connections: int = 100) -> None:
        self.stack = stack
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.address = listener.getsockname()
        self.channels: dict[int, Any] = {}
        self.requests = InTurn()
        self.server = BufferingServer(
            application,
            self.channels,
            _sock=listener,
            dispatcher=self.requests,
            adj=adjust(listener, idle_seconds=90),
            sockinfo=(listener.family, listener.type, listener.proto, self.address),
            bind_socket=False,
            max_connections=max_connections,
        )
        stack.callback(wasyncore.close_all, self.channels)

    def connect(self, sent: bytes = b"") -> socket.socket:
        client = self.stack.enter_context(socket.create_connection(self.address))
        client.settimeout(10)
        self.turn()
        if sent:
            self.send(client, sent)
        return client

    def send(self, client: socket.socket, sent: bytes) -> None:
        client.sendall(sent)
        self.turn()

    def turn(self) -> None:
        """Run the loop until all events are handled."""
        for _ in range(4):
            wasyncore.poll2(0.02, self.channels)
            self.requests.serve()

    @property
    def open(self) -> list[TimedChannel]:
        return sorted(self.server.active_channels.values(), key=lambda each: each.creation_time)

    def age(self, number: int, seconds: float) -> None:
        """Move the last activity of a connection into the past."""
        channel = self.open[number]
        channel.creation_time -= seconds
        channel.last_activity -= seconds
        channel.partial_since -= seconds

    def keep(self) -> None:
        self.server.maintenance(time.time())
        self.turn()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as held:
        yield held


@pytest.fixture
def site(stack: ExitStack) -> Served:
    return Served(stack)


def test_request_incomplete_at_its_time_limit_is_dropped(site: Served) -> None:
    slow, fresh = site.connect(HALF), site.connect(HALF)
    site.age(0, REQUEST_SECONDS + 1)
    site.keep()
    assert slow.recv(100) == b""
    assert len(site.open) == 1
    site.send(fresh, b"-sent!")
    assert fresh.recv(1000).startswith(b"HTTP/1.1 200 OK")


def test_dripping_bytes_do_not_extend_the_time_limit(site: Served) -> None:
    slow = site.connect(HALF)
    site.age(0, REQUEST_SECONDS + 1)
    site.send(slow, b"-")
    site.keep()
    assert slow.recv(100) == b""


def test_silent_connection_is_dropped(site: Served) -> None:
    silent = site.connect()
    site.age(0, REQUEST_SECONDS + 1)
    site.keep()
    assert silent.recv(100) == b""


def test_connection_stays_open_between_requests_longer_than_at_proxies(site: Served) -> None:
    client = site.connect(GET)
    assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")
    site.age(0, 80)
    site.keep()
    site.send(client, GET)
    assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")
    site.age(0, config.keepalive + 1)
    site.keep()
    assert client.recv(1000) == b""


def test_longest_waiting_connection_makes_room(stack: ExitStack) -> None:
    site = Served(stack, max_connections=3)
    clients = [site.connect(HALF) for _ in range(3)]
    site.age(0, 20)
    site.age(1, 25)
    normal = site.connect(GET)
    assert normal.recv(1000).startswith(b"HTTP/1.1 200 OK")
    assert clients[1].recv(100) == b""
    assert len(site.open) == 3


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 33_000, b"431"),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"413"),
        (b"GET / HTTP/1.1\r\nX: a\x00b\r\n\r\n", b"400"),
    ],
)
def test_too_large_or_malformed_value_is_refused(site: Served, sent: bytes, status: bytes) -> None:
    assert site.connect(sent).recv(100).split()[1] == status


FORWARDED = b"GET / HTTP/1.1\r\nX-Forwarded-For: 6.6.6.6, 203.0.113.9\r\nX-Forwarded-Proto: https\r\n\r\n"


def test_proxy_headers_are_removed_without_a_trusted_proxy(site: Served) -> None:
    assert site.connect(FORWARDED).recv(1000).endswith(b"127.0.0.1 http []")


def test_trusted_proxy_names_the_client(stack: ExitStack, settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    answer = Served(stack).connect(FORWARDED).recv(1000)
    assert answer.endswith(b"203.0.113.9 https ['HTTP_X_FORWARDED_FOR', 'HTTP_X_FORWARDED_PROTO']")


def test_stopping_process_answers_and_reports_its_end(site: Served) -> None:
    kept, half = site.connect(GET), site.connect(HALF)
    kept.recv(1000)
    worker = make_worker(site)
    site.server.stop_accepting()
    site.send(kept, GET)
    assert b"Connection: close" in kept.recv(1000)
    worker.drain(site.channels)
    assert half.recv(100) == b""
    assert site.open == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(site.address)


def make_worker(site: Served) -> BufferingWorker:
    worker = object.__new__(BufferingWorker)
    worker.servers = [site.server]
    worker.cfg = SimpleNamespace(graceful_timeout=config.graceful_timeout)
    worker.tmp = SimpleNamespace(notify=lambda: None)
    return worker


def test_gunicorn_finds_the_worker() -> None:
    assert issubclass(BufferingWorker, Worker)
    assert config.worker_class == f"{BufferingWorker.__module__}.{BufferingWorker.__name__}"


def test_connections_leave_room_for_other_files() -> None:
    assert 0 < allow_connections(200) <= 200


def test_gauges_of_a_dead_process_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    for name in ("gauge_livesum_4711.db", "gauge_livesum_4712.db", "counter_4711.db"):
        (tmp_path / name).touch()
    config.child_exit(None, SimpleNamespace(pid=4711))
    assert sorted(os.listdir(tmp_path)) == ["counter_4711.db", "gauge_livesum_4712.db"]
