"""Requests that try to reach the network in which the product runs: at save, and at send."""

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_network
from threading import Event, Thread
from typing import Final

import pytest

from distribution.deliveries.outbound import (
    Failure,
    OutboundClient,
    OutboundRequest,
    Policy,
    RefusedURL,
    Timeouts,
    lookups,
)
from distribution.deliveries.outbound.lookups import Resolve
from tests.receivers import Receiver

PUBLIC: Final = "93.184.215.14"
LOOPBACK: Final = Policy((ip_network("127.0.0.1/32"),))
MAPPED_LOOPBACK: Final = "::ffff:127.0.0.1"


class Answers:
    """A name server that gives another answer each time. The last one is repeated."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@contextmanager
def outbound(policy: Policy, resolve: Resolve) -> Iterator[OutboundClient]:
    client = OutboundClient(policy, resolve=resolve)
    try:
        yield client
    finally:
        client.close()


@contextmanager
def listening() -> Iterator[tuple[int, Callable[[], bool]]]:
    """A port on every address of this machine, and whether a connection arrived."""
    with socket.create_server(("0.0.0.0", 0)) as server:  # noqa: S104 - 127.0.0.2 and others reach it too
        server.settimeout(0)

        def was_reached() -> bool:
            try:
                server.accept()[0].close()
            except BlockingIOError:
                return False
            return True

        yield server.getsockname()[1], was_reached


def post(client: OutboundClient, url: str) -> tuple[bool, Failure | None]:
    result = client.send(OutboundRequest(url, body=b"{}", timeouts=Timeouts.within(5)))
    return result.is_sent, result.failure


def test_allowed_address_is_reached() -> None:
    """The control of this file: `was_reached` sees a connection."""
    with listening() as (port, was_reached), outbound(LOOPBACK, Answers([PUBLIC])) as client:
        client.check_url(f"http://127.0.0.1:{port}/")
        assert not was_reached()
        request = OutboundRequest(
            f"http://127.0.0.1:{port}/", body=b"{}", timeouts=Timeouts(headers_seconds=0.2)
        )
        assert client.send(request).failure is Failure.ANSWER_TIMEOUT
        assert was_reached()


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.0.0.2", "0.0.0.0", "10.0.0.1", "169.254.169.254", "100.100.100.200"),  # noqa: S104
        *(
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::7f00:1]",
        ),
        *("[2002:7f00:1::]", "[2001:0:0:0:0:0:80ff:fffe]", "[fd00:ec2::254]", "[fe80::1]", "[::127.0.0.1]"),
    ],
)
def test_special_address_is_refused_at_save_and_at_send(host: str) -> None:
    with listening() as (port, was_reached), outbound(Policy(), Answers([PUBLIC])) as client:
        url = f"https://{host}:{port}/"
        with pytest.raises(RefusedURL, match=r"Use a host with public addresses only\.$"):
            client.check_url(url)
        assert post(client, url) == (False, Failure.REFUSED_ADDRESS)
        assert not was_reached()


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "017700000001", "127.1", "0x7f.1", "0", "127.0.0.1."]
)
def test_other_spellings_of_an_address_are_refused_at_save_and_at_send(host: str) -> None:
    """The system's resolver reads all of them as 127.0.0.1 or 0.0.0.0."""
    with listening() as (port, was_reached), outbound(Policy(), Answers([PUBLIC])) as client:
        url = f"https://{host}:{port}/"
        with pytest.raises(RefusedURL):
            client.check_url(url)
        assert post(client, url) == (False, Failure.BAD_URL)
        assert not was_reached()


@pytest.mark.parametrize(
    "answer",
    [
        *(["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], [PUBLIC, "2606:4700::1111", "::1"]),
        *(
            [MAPPED_LOOPBACK],
            ["64:ff9b::7f00:1"],
            ["2002:7f00:1::"],
            [PUBLIC, "169.254.169.254"],
            ["0.0.0.0"],  # noqa: S104
        ),
    ],
)
def test_name_with_a_special_address_is_refused_at_save_and_at_send(answer: Sequence[str]) -> None:
    with listening() as (port, was_reached), outbound(Policy(), Answers(answer)) as client:
        url = f"https://buyer.example:{port}/"
        with pytest.raises(RefusedURL, match=r"^buyer\.example has the address .*, which is an? "):
            client.check_url(url)
        assert post(client, url) == (False, Failure.REFUSED_ADDRESS)
        assert not was_reached()


def test_name_that_changes_after_the_save_is_refused_at_send() -> None:
    answers = Answers([PUBLIC], ["127.0.0.1"])
    with listening() as (port, was_reached), outbound(Policy(), answers) as client:
        url = f"https://rebind.example:{port}/"
        client.check_url(url)
        assert post(client, url) == (False, Failure.REFUSED_ADDRESS)
        assert not was_reached()


def test_name_that_changes_between_check_and_connection_changes_nothing(receiver: Receiver) -> None:
    """Rebinding: the first answer is checked and used. A client that looked up twice would get the second one."""
    answers = Answers(["127.0.0.1"], ["127.0.0.2"])
    with outbound(LOOPBACK, answers) as client:
        result = client.send(OutboundRequest(receiver.url("accept", host="rebind.test"), body=b"{}"))
    assert answers.asked == ["rebind.test"]
    assert (result.status, result.address) == (200, "127.0.0.1")
    [received] = receiver.received()
    assert received.headers["host"] == f"rebind.test:{receiver.port}"


@pytest.mark.usefixtures("patient_connections")
def test_open_connection_is_used_again_without_a_lookup(receiver: Receiver) -> None:
    answers = Answers(["127.0.0.1"], ["10.0.0.1"])
    with outbound(LOOPBACK, answers) as client:
        url = receiver.url("accept", host="rebind.test")
        assert [post(client, url) for _ in range(3)] == [(True, None)] * 3
        assert post(client, receiver.url("accept-and-close", host="rebind.test")) == (True, None)
        assert post(client, url) == (False, Failure.REFUSED_ADDRESS)
    assert answers.asked == ["rebind.test"] * 2
    assert len({each.connection for each in receiver.received()}) == 1


@pytest.mark.parametrize(
    "place",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:{port}/",
        "file:///etc/passwd",
        "//127.0.0.1:{port}/",
    ],
)
def test_redirect_into_the_network_is_not_followed(receiver: Receiver, place: str) -> None:
    with listening() as (port, was_reached), outbound(LOOPBACK, Answers(["127.0.0.1"])) as client:
        quoted = place.format(port=port).replace("/", "%2F")
        result = client.send(OutboundRequest(receiver.url(f"redirect/{quoted}"), body=b"{}"))
        assert (result.status, result.failure) == (307, None)
        assert not was_reached()
    assert len(receiver.received()) == 1


def test_proxy_of_the_environment_is_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as (port, was_reached), outbound(LOOPBACK, Answers(["127.0.0.1"])) as client:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        assert post(client, receiver.url("accept")) == (True, None)
        assert not was_reached()


def test_systems_resolver_is_asked_about_a_name() -> None:
    """Its answer for this name is loopback, on every machine."""
    client = OutboundClient(Policy())
    with pytest.raises(
        RefusedURL, match=r"^localhost has the address (127\.0\.0\.1|::1), which is a loopback"
    ):
        client.check_url("https://localhost/")
    assert post(client, "https://localhost/") == (False, Failure.REFUSED_ADDRESS)


def fail_lookup(code: int) -> Resolve:
    def resolve(_host: str) -> Sequence[str]:
        raise socket.gaierror(code, "the resolver's words")

    return resolve


@pytest.mark.parametrize("code", [socket.EAI_NONAME, socket.EAI_NODATA])
def test_name_without_address_is_refused_at_save_and_not_sent(code: int) -> None:
    with outbound(Policy(), fail_lookup(code)) as client:
        with pytest.raises(
            RefusedURL, match=r"^typo\.example has no address\. Check the spelling of the host\.$"
        ):
            client.check_url("https://typo.example/")
        assert post(client, "https://typo.example/") == (False, Failure.UNKNOWN_HOST)


def test_resolver_without_an_answer_allows_to_save_and_sends_nothing() -> None:
    with outbound(Policy(), fail_lookup(socket.EAI_AGAIN)) as client:
        client.check_url("https://buyer.example/")
        assert post(client, "https://buyer.example/") == (False, Failure.UNKNOWN_HOST)


def test_lookup_that_hangs_ends_with_the_time_to_connect_and_holds_up_no_other_host(
    receiver: Receiver,
) -> None:
    answered = Event()

    def resolve(host: str) -> Sequence[str]:
        if host == "hangs.test":
            answered.wait(60)
        return ["127.0.0.1"]

    with outbound(LOOPBACK, resolve) as client:
        request = OutboundRequest("http://hangs.test/", body=b"{}", timeouts=Timeouts(connect_seconds=0.2))
        results = [client.send(request) for _ in range(3)]
        assert [(each.is_sent, each.failure) for each in results] == [(False, Failure.CONNECT_TIMEOUT)] * 3
        assert all(each.duration_ms < 10_000 for each in results)
        assert post(client, receiver.url("accept", host="answers.test")) == (True, None)
        answered.set()


@pytest.mark.parametrize("answer", [OSError(24, "Too many open files"), ["not an address"]])
def test_broken_resolver_sends_nothing_and_keeps_nobody_from_saving(
    answer: OSError | list[str],
) -> None:
    def resolve(_: str) -> Sequence[str]:
        if isinstance(answer, OSError):
            raise answer
        return answer

    with outbound(Policy(), resolve) as client:
        client.check_url("https://buyer.example.com/")
        result = client.send(OutboundRequest("https://buyer.example.com/", body=b"lead"))
    assert (result.failure, result.is_sent) == (Failure.UNKNOWN_HOST, False)


def test_lookup_without_a_thread_is_made_again(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is out of threads for a moment."""
    url = f"http://buyer.example.com:{receiver.port}/{receiver.run}/accept"
    with outbound(LOOPBACK, Answers(["127.0.0.1"])) as client:
        with monkeypatch.context() as patched:
            patched.setattr(lookups, "Thread", refuse_thread)
            failed = client.send(OutboundRequest(url, body=b"lead"))
        sent = client.send(OutboundRequest(url, body=b"lead"))
    assert (failed.failure, failed.is_sent) == (Failure.UNKNOWN_HOST, False)
    assert sent.status == 200


def refuse_thread(**_: object) -> Thread:
    raise RuntimeError("can't start new thread")
