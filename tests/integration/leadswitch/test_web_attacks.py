"""Clients that send slowly or nothing, against the real web server: it still answers a normal request."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final
from urllib.parse import urlsplit

import pytest

from tests.support.served import served

pytestmark = pytest.mark.usefixtures("committed_db")

# The server has one process with four threads.
CONNECTIONS: Final = 40
ATTACKS: Final = {
    "half-open": b"",
    "slow headers": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    "slow body": b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\nusername=",
    "slow chunks": b"POST /api/v1/leads/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    b'Content-Type: application/json\r\n\r\n9\r\n{"zip": "',
}
PROMPT_SECONDS: Final = 10.0
NEVER_SECONDS: Final = 2.0


@contextmanager
def attacked(address: str, sent: bytes) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(opened(address, sent)) for _ in range(CONNECTIONS)]


@contextmanager
def opened(address: str, sent: bytes) -> Iterator[socket.socket]:
    place = urlsplit(address)
    with socket.create_connection((place.hostname, place.port or 80)) as client:
        client.sendall(sent)
        yield client


def ask(address: str, *, seconds: float) -> int:
    """Return the status of a normal request. Raises TimeoutError."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=seconds)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status
    finally:
        connection.close()


def is_open(client: socket.socket) -> bool:
    client.settimeout(0)
    try:
        return client.recv(1) != b""
    except BlockingIOError:
        return True


def test_slow_clients_hold_no_thread() -> None:
    with served() as address:
        for sent in ATTACKS.values():
            with attacked(address, sent) as clients:
                assert ask(address, seconds=PROMPT_SECONDS) == 200
                # They are still connected: the request did not wait for the server to drop them.
                assert all(is_open(each) for each in clients)


def test_control_server_that_reads_in_its_threads_stops_answering() -> None:
    with (
        served("--worker-class", "gthread") as address,
        attacked(address, ATTACKS["slow body"]),
        pytest.raises(TimeoutError),
    ):
        ask(address, seconds=NEVER_SECONDS)
