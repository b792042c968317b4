"""When a connection is used again, and what many threads may do at once."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from ipaddress import ip_network
from typing import Final

import h11
import pytest
import time_machine

from distribution.deliveries.outbound import Failure, OutboundClient, OutboundRequest, Policy, Timeouts
from distribution.deliveries.outbound import connection as connection_module
from distribution.deliveries.outbound.connection import Connection
from distribution.deliveries.outbound.exchange import Exchange
from distribution.deliveries.outbound.failures import Failed
from distribution.deliveries.outbound.idle import MAX_IDLE
from distribution.deliveries.outbound.result import Receipt
from distribution.deliveries.outbound.stream import PinnedStream
from distribution.deliveries.outbound.targets import parse_url
from tests.receivers import Receiver, start_receiver

LOOPBACK: Final = Policy((ip_network("127.0.0.0/8"),))


@pytest.fixture
def client() -> Iterator[OutboundClient]:
    client = OutboundClient(LOOPBACK)
    yield client
    client.close()


def post(client: OutboundClient, url: str, body: bytes = b"{}") -> int | None:
    return client.send(OutboundRequest(url, body=body)).status


def connections(receiver: Receiver) -> list[int]:
    return [each.connection for each in receiver.received()]


@pytest.mark.usefixtures("patient_connections")
def test_connection_is_used_again_after_a_complete_answer(client: OutboundClient, receiver: Receiver) -> None:
    for behavior in ("accept", "reject", "status/503", "empty", "zip"):
        post(client, receiver.url(behavior))
    assert len(set(connections(receiver))) == 1


@pytest.mark.usefixtures("patient_connections")
@pytest.mark.parametrize(
    "behavior", ["accept-and-close", "double", "long", "cut-after", "cut-answer", "malformed", "brotli"]
)
def test_connection_is_not_used_again_after_anything_else(
    client: OutboundClient, receiver: Receiver, behavior: str
) -> None:
    """After `double` the second answer would be taken for the answer to the next request."""
    post(client, receiver.url(behavior))
    assert post(client, receiver.url("reject")) == 200
    first, second = connections(receiver)
    assert first != second


def test_late_answer_is_not_taken_for_the_answer_to_the_next_request(
    client: OutboundClient, receiver: Receiver
) -> None:
    request = OutboundRequest(receiver.url("hold"), body=b"{}", timeouts=Timeouts(headers_seconds=0.2))
    assert client.send(request).failure is Failure.ANSWER_TIMEOUT
    receiver.release()
    assert post(client, receiver.url("status/422")) == 422


def test_connection_is_not_used_again_after_its_time(
    client: OutboundClient, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Idle for too long, and open for too long."""
    for name in ("MAX_IDLE_SECONDS", "MAX_AGE_SECONDS"):
        with monkeypatch.context() as patched:
            patched.setattr(connection_module, name, 0.0)
            for _ in range(2):
                post(client, receiver.url("accept"))
    assert len(set(connections(receiver))) == 4


def test_clock_of_the_machine_may_be_set_back(client: OutboundClient, receiver: Receiver) -> None:
    post(client, receiver.url("accept"))
    with time_machine.travel(timedelta(hours=-2), tick=True):
        assert post(client, receiver.url("accept")) == 200


def test_receiver_that_restarts_is_reached_on_a_new_connection(
    client: OutboundClient, receiver: Receiver
) -> None:
    """Its old connection is closed, which is seen before a request is written to it."""
    with start_receiver(receiver.file.with_name("first.jsonl")) as first:
        assert post(client, first.url("accept")) == 200
        first.kill()
    refused = client.send(OutboundRequest(first.url("accept"), body=b"{}"))
    assert (refused.is_sent, refused.failure) == (False, Failure.CONNECT_FAILED)
    with start_receiver(receiver.file.with_name("second.jsonl"), port=first.port) as second:
        assert post(client, second.url("accept")) == 200


def test_request_whose_head_cannot_be_written_is_not_sent() -> None:
    """A connection that was closed after it was chosen: the other side cannot have the request."""
    ours, theirs = socket.socketpair()
    exchange = Exchange(Timeouts())
    connection = Connection(parse_url("http://127.0.0.1/"), PinnedStream(ours, exchange), "127.0.0.1")
    theirs.close()
    head = h11.Request(method="POST", target="/", headers=[("Host", "a"), ("Content-Length", "2")])
    with pytest.raises(Failed) as failed:
        connection.ask(head, b"{}", exchange=exchange, receipt=Receipt())
    assert (failed.value.failure, exchange.is_sent) == (Failure.CONNECTION_CUT, False)
    assert not connection.is_reusable


def test_second_address_is_used_if_the_first_one_refuses(receiver: Receiver) -> None:
    client = OutboundClient(LOOPBACK, resolve=lambda _host: ["127.0.0.9", "127.0.0.1"])
    result = client.send(OutboundRequest(receiver.url("accept", host="buyer.test"), body=b"{}"))
    client.close()
    assert (result.status, result.address) == (200, "127.0.0.1")


def test_second_address_is_used_if_the_first_one_does_not_answer(receiver: Receiver) -> None:
    """A listener whose queue is full drops what arrives: the first address takes half of the time to connect."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        full.bind(("127.0.0.9", receiver.port))
        full.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(("127.0.0.9", receiver.port))
        client = OutboundClient(LOOPBACK, resolve=lambda _host: ["127.0.0.9", "127.0.0.1"])
        url = receiver.url("accept", host="buyer.test")
        result = client.send(OutboundRequest(url, body=b"{}", timeouts=Timeouts(connect_seconds=1)))
        only = client.send(
            OutboundRequest(
                url.replace("buyer.test", "127.0.0.9"), body=b"{}", timeouts=Timeouts(connect_seconds=0.2)
            )
        )
        client.close()
    assert (result.status, result.address) == (200, "127.0.0.1")
    assert 500 <= result.duration_ms < 10_000
    assert (only.is_sent, only.failure) == (False, Failure.CONNECT_TIMEOUT)


@pytest.mark.usefixtures("patient_connections")
def test_threads_get_their_own_answers(client: OutboundClient, receiver: Receiver) -> None:
    """Each thread asks for another status: an answer in the wrong thread would show."""
    asked = [400 + number % 50 for number in range(400)]
    with ThreadPoolExecutor(8) as threads:
        answered = list(threads.map(lambda status: post(client, receiver.url(f"status/{status}")), asked))
    assert answered == asked
    received = receiver.received()
    assert len(received) == len(asked)
    assert len({each.connection for each in received}) < len(asked)


def test_hanging_receiver_holds_up_its_own_thread_only(client: OutboundClient, receiver: Receiver) -> None:
    with ThreadPoolExecutor(4) as threads:
        hanging = [threads.submit(post, client, receiver.url("hold")) for _ in range(3)]
        receiver.wait_for(3, "hold")
        assert [post(client, receiver.url("accept")) for _ in range(20)] == [200] * 20
        assert not any(each.done() for each in hanging)
        receiver.release()
        assert [each.result() for each in hanging] == [200] * 3


def test_idle_connections_are_bounded(client: OutboundClient, receiver: Receiver) -> None:
    """As many as were open at once are given back at once."""
    with ThreadPoolExecutor(MAX_IDLE + 20) as threads:
        asked = [threads.submit(post, client, receiver.url("hold")) for _ in range(MAX_IDLE + 20)]
        receiver.wait_for(MAX_IDLE + 20, "hold")
        receiver.release()
        assert {each.result() for each in asked} == {200}
    assert len(client._idle) <= MAX_IDLE


@pytest.mark.usefixtures("patient_connections")
def test_closed_client_has_no_connections(client: OutboundClient, receiver: Receiver) -> None:
    post(client, receiver.url("accept"))
    assert len(client._idle) == 1
    client.close()
    assert len(client._idle) == 0


class _CutSocket:
    """Takes this number of bytes, and then fails."""

    def __init__(self, takes: int) -> None:
        self._takes = takes

    def settimeout(self, _seconds: float) -> None:
        pass

    def send(self, data: memoryview) -> int:
        if self._takes == 0:
            raise ConnectionResetError
        taken = min(self._takes, len(data))
        self._takes -= taken
        return taken


@pytest.mark.parametrize(("takes", "is_sent"), [(0, False), (9, False), (10, False), (11, True), (12, True)])
def test_request_is_sent_with_the_first_byte_of_its_body(*, takes: int, is_sent: bool) -> None:
    exchange = Exchange(Timeouts())
    stream = PinnedStream(_CutSocket(takes), exchange)  # type: ignore[arg-type]  # only what is used
    with pytest.raises(ConnectionResetError):
        stream.write(b"ten bytes.body", head_bytes=10)
    assert exchange.is_sent is is_sent
