"""What the client reports for everything that a receiver can do to it."""

import json
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Final

import pytest

from distribution.deliveries.outbound import (
    MAX_BODY_BYTES,
    Failure,
    OutboundClient,
    OutboundRequest,
    OutboundResult,
    Policy,
    Timeouts,
)
from tests.receivers import Receiver
from tests.support.ports import free_port

LOOPBACK: Final = Policy((ip_network("127.0.0.0/8"),))
BODY: Final = b'{"lead": "L-1"}'
# One part is short. The others have time, however busy the machine is.
SHORT_HEADERS: Final = Timeouts(30, 0.4, 30, 30)
SHORT_BODY: Final = Timeouts(30, 30, 0.4, 30)
ACCEPTED: Final = b'{"status": "accepted", "id": "A-1"}'


@pytest.fixture
def client() -> Iterator[OutboundClient]:
    client = OutboundClient(LOOPBACK)
    yield client
    client.close()


def post(client: OutboundClient, url: str, *, timeouts: Timeouts | None = None) -> OutboundResult:
    headers = (("Content-Type", "application/json"), ("X-Key", "k1"))
    return client.send(OutboundRequest(url, headers=headers, body=BODY, timeouts=timeouts or Timeouts()))


def test_request_arrives_as_it_was_given(client: OutboundClient, receiver: Receiver) -> None:
    result = post(client, receiver.url("accept"))
    [received] = receiver.received()
    assert (received.method, received.body) == ("POST", BODY.decode())
    assert received.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "content-type": "application/json",
        "x-key": "k1",
        "accept-encoding": "identity",
        "content-length": str(len(BODY)),
    }
    assert (result.is_sent, result.failure, result.detail) == (True, None, "")
    assert (result.status, result.body, result.is_body_cut) == (200, ACCEPTED, False)
    assert (result.address, result.find_header("content-type")) == ("127.0.0.1", "application/json")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "GET"])
def test_request_without_body_is_sent_with_every_method(
    client: OutboundClient, receiver: Receiver, method: str
) -> None:
    result = client.send(OutboundRequest(receiver.url("accept?lead=1"), method=method))
    [received] = receiver.received()
    assert (received.method, received.path, received.body) == (method, f"/{receiver.run}/accept?lead=1", "")
    assert received.headers.get("content-length") == (None if method == "GET" else "0")
    assert (result.is_sent, result.status, result.failure) == (True, 200, None)


@pytest.mark.parametrize(
    ("behavior", "status", "body"),
    [
        ("reject", 200, b'{"status": "rejected", "reason": "duplicate lead"}'),
        ("empty", 204, b""),
        ("status/422", 422, b'{"status": "error"}'),
        ("status/503", 503, b'{"status": "error"}'),
        ("gone", 410, b""),
        ("throttle/30", 429, b""),
        ("lie-type", 200, ACCEPTED),
        ("lie-success", 200, b"ERROR: lead was not stored"),
        ("accept-and-close", 200, ACCEPTED),
        ("zip", 200, ACCEPTED),
        ("deflate", 200, ACCEPTED),
    ],
)
def test_complete_answer_is_reported_without_failure(
    client: OutboundClient, receiver: Receiver, behavior: str, status: int, body: bytes
) -> None:
    result = post(client, receiver.url(behavior))
    assert (result.is_sent, result.status, result.body) == (True, status, body)
    assert (result.failure, result.is_body_cut) == (None, False)


def test_header_of_a_busy_receiver_is_reported(client: OutboundClient, receiver: Receiver) -> None:
    assert post(client, receiver.url("throttle/30")).find_header("Retry-After") == "30"
    assert post(client, receiver.url("accept")).find_header("Retry-After") == ""


def test_redirect_is_reported_and_not_followed(client: OutboundClient, receiver: Receiver) -> None:
    elsewhere = receiver.url("accept").replace("/", "%2F")
    result = post(client, receiver.url(f"redirect/{elsewhere}"))
    assert (result.status, result.find_header("location")) == (307, receiver.url("accept"))
    assert [each.behavior.split("/")[0] for each in receiver.received()] == ["redirect"]


@pytest.mark.parametrize(
    ("behavior", "failure", "status"),
    [
        ("cut-before", Failure.CONNECTION_CUT, None),
        ("cut-after", Failure.CONNECTION_CUT, None),
        ("cut-head", Failure.CONNECTION_CUT, None),
        ("cut-answer", Failure.CONNECTION_CUT, 200),
        ("lie-length", Failure.CONNECTION_CUT, 200),
        ("upgrade", Failure.MALFORMED, None),
        ("malformed", Failure.MALFORMED, None),
        ("malformed-status", Failure.MALFORMED, None),
        ("malformed-header", Failure.MALFORMED, None),
        ("malformed-chunk", Failure.MALFORMED, 200),
        ("stream-head", Failure.MALFORMED, None),
        ("interim", Failure.MALFORMED, None),
        ("zip-damaged", Failure.BAD_ENCODING, 200),
        ("zip-half", Failure.BAD_ENCODING, 200),
        ("brotli", Failure.BAD_ENCODING, 200),
    ],
)
def test_broken_answer_is_a_failure_after_the_body_was_sent(
    client: OutboundClient, receiver: Receiver, behavior: str, failure: Failure, status: int | None
) -> None:
    result = post(client, receiver.url(behavior))
    assert (result.is_sent, result.failure, result.status) == (True, failure, status)
    assert result.detail
    assert [each.behavior for each in receiver.received()] == [behavior]


@pytest.mark.parametrize(
    ("behavior", "timeouts", "failure", "status"),
    [
        ("lose", SHORT_HEADERS, Failure.ANSWER_TIMEOUT, None),
        ("hold", SHORT_HEADERS, Failure.ANSWER_TIMEOUT, None),
        ("drip-head", SHORT_HEADERS, Failure.ANSWER_TIMEOUT, None),
        ("drip", SHORT_BODY, Failure.BODY_TIMEOUT, 200),
    ],
)
def test_slow_answer_ends_with_its_time_however_often_bytes_arrive(
    client: OutboundClient,
    receiver: Receiver,
    behavior: str,
    timeouts: Timeouts,
    failure: Failure,
    status: int | None,
) -> None:
    result = post(client, receiver.url(behavior), timeouts=timeouts)
    assert (result.is_sent, result.failure, result.status) == (True, failure, status)
    assert 400 <= result.duration_ms < 20_000


def test_total_ends_every_part(client: OutboundClient, receiver: Receiver) -> None:
    result = post(client, receiver.url("drip"), timeouts=Timeouts(60, 60, 60, 2))
    assert (result.is_sent, result.failure) == (True, Failure.BODY_TIMEOUT)
    assert 2_000 <= result.duration_ms < 20_000


@pytest.mark.parametrize("behavior", ["long", "stream", "bomb"])
def test_long_answer_is_cut(client: OutboundClient, receiver: Receiver, behavior: str) -> None:
    result = post(client, receiver.url(behavior))
    assert (result.is_sent, result.status, result.failure) == (True, 200, None)
    assert (len(result.body), result.is_body_cut) == (MAX_BODY_BYTES, True)


def test_request_says_how_much_of_the_answer_is_kept(client: OutboundClient, receiver: Receiver) -> None:
    for behavior, most, kept in (
        ("long", 1_000_000, 1_000_000),
        ("long", 999_999, 999_999),
        ("stream", 2_000_000, 2_000_000),
    ):
        request = OutboundRequest(receiver.url(behavior), body=BODY, max_body_bytes=most)
        result = client.send(request)
        assert (result.failure, len(result.body)) == (None, kept)
        assert result.is_body_cut == (behavior == "stream" or kept < 1_000_000)


def test_repr_shows_no_secret_and_no_person(client: OutboundClient, receiver: Receiver) -> None:
    headers = (("Authorization", "Basic c2VjcmV0"),)
    request = OutboundRequest(
        f"{receiver.url('accept')}?To=%2B14045550101", headers=headers, body=b"a person"
    )
    result = client.send(request)
    shown = f"{request!r} {result!r}"
    assert [text for text in ("c2VjcmV0", "14045550101", "a person", "A-1") if text in shown] == []


def test_answer_before_the_body_was_read_is_reported(client: OutboundClient, receiver: Receiver) -> None:
    """The receiver closes with unread bytes, so the kernel may reset the connection before the answer is read."""
    result = client.send(OutboundRequest(receiver.url("early"), body=b"x" * 5_000_000))
    assert result.is_sent
    assert (result.status, result.failure) in [(413, None), (None, Failure.CONNECTION_CUT)]


def test_body_that_is_not_read_ends_with_its_time(client: OutboundClient, receiver: Receiver) -> None:
    request = OutboundRequest(
        receiver.url("never-read"), body=b"x" * 20_000_000, timeouts=Timeouts(headers_seconds=1)
    )
    result = client.send(request)
    assert (result.is_sent, result.failure) == (True, Failure.ANSWER_TIMEOUT)


def test_port_without_a_server_means_not_sent(client: OutboundClient) -> None:
    result = post(client, f"http://127.0.0.1:{free_port()}/new")
    assert (result.is_sent, result.failure) == (False, Failure.CONNECT_FAILED)
    assert (result.detail, result.address, result.status) == ("127.0.0.1: Connection refused.", "", None)


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (("Host", "127.0.0.1"), "Host is set by LeadSwitch. Remove it."),
        (("content-length", "3"), "content-length is set by LeadSwitch. Remove it."),
        (("X-Key", "a\r\nX-Other: b"), "The value of X-Key contains a line break"),
        (("X Key", "a"), "'X Key' is not a header name."),
    ],
)
def test_header_that_would_change_the_message_is_not_sent(
    client: OutboundClient, receiver: Receiver, header: tuple[str, str], detail: str
) -> None:
    result = client.send(OutboundRequest(receiver.url("accept"), headers=(header,), body=BODY))
    assert (result.is_sent, result.failure) == (False, Failure.BAD_HEADER)
    assert result.detail.startswith(detail)
    assert receiver.received() == []


def test_unknown_method_is_not_sent(client: OutboundClient, receiver: Receiver) -> None:
    result = client.send(OutboundRequest(receiver.url("accept"), method="CONNECT", body=BODY))
    assert (result.is_sent, result.failure) == (False, Failure.BAD_HEADER)
    assert receiver.received() == []


def test_script_gives_each_request_its_behavior(client: OutboundClient, receiver: Receiver) -> None:
    url = receiver.script("status/503", "cut-after", "accept")
    assert [post(client, url).status for _ in range(4)] == [503, None, 200, 200]
    assert [each.behavior for each in receiver.received()] == ["status/503", "cut-after", "accept", "accept"]
    assert [json.loads(each.body or "") for each in receiver.received("accept")] == [{"lead": "L-1"}] * 2
