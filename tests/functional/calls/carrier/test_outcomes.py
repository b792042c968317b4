"""Every outcome of a dial against a carrier, each with exactly one request."""

import ssl
from collections.abc import Iterator
from typing import Final

import pytest
import trustme

from distribution.calls.carrier import CarrierClient, Dialed, DialOutcome, Problem
from distribution.deliveries.outbound import OutboundClient, Policy, Timeouts
from tests.carrier import Carrier
from tests.functional.calls.carrier.dialing import FROM, LOCAL, call_to, make_client, number
from tests.receivers import Receiver, start_receiver
from tests.support.ports import free_port

PLACED, NOT_PLACED, THROTTLED, UNKNOWN = DialOutcome
# One part is short. The others have time, however busy the machine is.
SHORT_CONNECT: Final = Timeouts(0.4, 30, 30, 30)
SHORT_HEADERS: Final = Timeouts(30, 0.4, 30, 30)
SHORT_BODY: Final = Timeouts(30, 30, 0.4, 30)


@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        ("11", Dialed(NOT_PLACED, code="21211", problem=Problem.INVALID_PHONE)),
        ("12", Dialed(NOT_PLACED, code="21215", problem=Problem.GEO)),
        ("13", Dialed(NOT_PLACED, code="10004", problem=Problem.CONCURRENCY, retry_after_seconds=1)),
        ("14", Dialed(NOT_PLACED, code="22005", problem=Problem.QUEUE_FULL)),
        ("15", Dialed(THROTTLED, code="20429", problem=Problem.THROTTLED, retry_after_seconds=1)),
        ("16", Dialed(UNKNOWN, code="20503", problem=Problem.CARRIER_FAILED)),
        ("17", Dialed(UNKNOWN, code="20500", problem=Problem.CARRIER_FAILED)),
        ("19", Dialed(UNKNOWN, code="connection_cut", problem=Problem.NO_ANSWER)),
        ("22", Dialed(UNKNOWN, code="malformed", problem=Problem.BAD_ANSWER)),
        ("23", Dialed(UNKNOWN, code="201", problem=Problem.BAD_ANSWER)),
        ("24", Dialed(UNKNOWN, code="201", problem=Problem.NO_ANSWER)),
        ("28", Dialed(UNKNOWN, code="201", problem=Problem.BAD_ANSWER)),
    ],
)
def test_dial_ends_as_the_carrier_makes_it(
    carrier: Carrier, client: CarrierClient, digits: str, expected: Dialed
) -> None:
    """One request. The carrier has the call exactly if it was placed; unknown is true of both."""
    assert client.place(call_to(digits)) == expected
    [request] = carrier.requests()
    assert request["method"] == "POST"
    is_placed = digits in ("17", "19", "22", "23", "24", "28")
    assert [call["to"] for call in carrier.calls()] == ([number(digits)] if is_placed else [])


def test_placed_call_has_the_id_of_the_carrier(carrier: Carrier, client: CarrierClient) -> None:
    dialed = client.place(call_to("27"))
    [call] = carrier.calls()
    assert dialed == Dialed(PLACED, sid=call["sid"])
    assert len(carrier.requests()) == 1


def test_queue_of_the_carrier_is_reported(carrier: Carrier, client: CarrierClient) -> None:
    """Excess is queued and not refused, until the queue is full."""
    carrier.change_account(calls_per_second=0.01)
    assert client.place(call_to("27")).queue_ms == 0
    queued = client.place(call_to("27"))
    assert (queued.outcome, 90_000 < queued.queue_ms <= 100_000) == (PLACED, True)
    carrier.configure(queue_seconds=100)
    full = client.place(call_to("27"))
    assert full == Dialed(NOT_PLACED, code="22005", problem=Problem.QUEUE_FULL)
    assert len(carrier.calls()) == 2


def test_late_answer_is_placed_if_there_is_time_and_unknown_if_not(
    carrier: Carrier, outbound: OutboundClient
) -> None:
    carrier.configure(late_ms=300)
    assert make_client(carrier, outbound).place(call_to("18")).outcome is PLACED
    carrier.configure(late_ms=60_000)
    hasty = make_client(carrier, outbound, timeouts=SHORT_HEADERS)
    assert hasty.place(call_to("18")) == Dialed(UNKNOWN, code="answer_timeout", problem=Problem.NO_ANSWER)
    assert len(carrier.requests()) == len(carrier.calls()) == 2


def test_wrong_token_is_refused(carrier: Carrier, outbound: OutboundClient) -> None:
    refused = Dialed(NOT_PLACED, code="20003", problem=Problem.ACCOUNT_REFUSED)
    assert make_client(carrier, outbound, auth_token="wrong").place(call_to("01")) == refused
    assert make_client(carrier, outbound, account_sid="AC9").place(call_to("01")) == refused
    assert [request["status"] for request in carrier.requests()] == [401, 401]


def test_number_that_is_not_verified_is_refused(carrier: Carrier, client: CarrierClient) -> None:
    carrier.refuse_number(FROM, error=21210)
    refused = Dialed(NOT_PLACED, code="21210", problem=Problem.NUMBER_REFUSED)
    assert client.place(call_to("01")) == refused
    assert client.place(call_to("01", from_number="14045550000")).problem is Problem.NUMBER_REFUSED
    carrier.refuse_number(FROM, error=0)
    assert client.place(call_to("01")).outcome is PLACED


def test_account_with_all_its_calls_is_refused(carrier: Carrier, client: CarrierClient) -> None:
    carrier.change_account(most_calls=1)
    assert client.place(call_to("27")).outcome is PLACED
    assert client.place(call_to("01")).problem is Problem.CONCURRENCY


def test_carrier_that_is_away_has_no_call(carrier: Carrier, client: CarrierClient) -> None:
    """A connection that was open is not used again."""
    assert client.place(call_to("27")).outcome is PLACED
    carrier.go_away()
    away = client.place(call_to("01"))
    assert away == Dialed(NOT_PLACED, code="connect_failed", problem=Problem.UNREACHABLE)
    carrier.come_back()
    assert client.place(call_to("01")).outcome is PLACED
    assert len(carrier.calls()) == len(carrier.requests()) == 2


def test_port_without_a_server_is_not_placed(carrier: Carrier, outbound: OutboundClient) -> None:
    client = make_client(carrier, outbound, api_url=f"http://127.0.0.1:{free_port()}")
    unreachable = Dialed(NOT_PLACED, code="connect_failed", problem=Problem.UNREACHABLE)
    assert client.place(call_to("01")) == unreachable


def test_host_without_an_address_is_not_placed(carrier: Carrier) -> None:
    outbound = OutboundClient(Policy(LOCAL), resolve=lambda _host: [])
    client = make_client(carrier, outbound, api_url="https://carrier.test")
    assert client.place(call_to("01")) == Dialed(NOT_PLACED, code="unknown_host", problem=Problem.UNREACHABLE)


def test_address_that_is_not_allowed_is_not_placed(carrier: Carrier) -> None:
    client = make_client(carrier, OutboundClient(Policy()))
    refused = Dialed(NOT_PLACED, code="refused_address", problem=Problem.BAD_SETTINGS)
    assert client.place(call_to("01")) == refused
    wrong = make_client(carrier, OutboundClient(Policy()), api_url="ftp://carrier.test")
    assert wrong.place(call_to("01")) == Dialed(NOT_PLACED, code="bad_url", problem=Problem.BAD_SETTINGS)
    assert carrier.requests() == []


def test_token_that_cannot_be_a_header_is_not_placed(carrier: Carrier, outbound: OutboundClient) -> None:
    long = make_client(carrier, outbound, auth_token="t" * 4_000)
    refused = Dialed(NOT_PLACED, code="bad_header", problem=Problem.BAD_SETTINGS)
    assert long.place(call_to("01")) == refused
    assert carrier.requests() == []


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def secure_receiver(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    directory = tmp_path_factory.mktemp("tls")
    certificate = directory / "server.pem"
    authority.issue_cert("carrier.test").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    with start_receiver(directory / "received.jsonl", certificate=certificate) as receiver:
        yield receiver


def test_certificate_that_is_not_trusted_is_not_placed(
    carrier: Carrier, secure_receiver: Receiver, authority: trustme.CA
) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    url = f"https://carrier.test:{secure_receiver.port}"
    receiver = secure_receiver.new_run()
    for tls, expected in (
        (None, Dialed(NOT_PLACED, code="tls_failed", problem=Problem.UNREACHABLE)),
        (trusting, Dialed(UNKNOWN, code="answer_timeout", problem=Problem.NO_ANSWER)),
    ):
        outbound = OutboundClient(Policy(LOCAL), resolve=lambda _host: ["127.0.0.1"], tls=tls)
        base = f"{url}/{receiver.run}/lose"
        client = make_client(carrier, outbound, api_url=base, timeouts=SHORT_HEADERS)
        assert client.place(call_to("01")) == expected
    assert len(receiver.received()) == 1


def test_connection_that_is_not_accepted_in_time_is_not_placed(
    carrier: Carrier, outbound: OutboundClient, receiver: Receiver
) -> None:
    """A server that does not speak TLS never ends the handshake."""
    url = receiver.url("accept").replace("http://", "https://")
    client = make_client(carrier, outbound, api_url=url, timeouts=SHORT_CONNECT)
    assert client.place(call_to("01")) == Dialed(
        NOT_PLACED, code="connect_timeout", problem=Problem.UNREACHABLE
    )
    assert receiver.received() == []


@pytest.mark.parametrize(
    ("behavior", "outcome", "code", "problem"),
    [
        ("lose", UNKNOWN, "answer_timeout", Problem.NO_ANSWER),
        ("cut-after", UNKNOWN, "connection_cut", Problem.NO_ANSWER),
        ("cut-head", UNKNOWN, "connection_cut", Problem.NO_ANSWER),
        ("cut-answer", UNKNOWN, "200", Problem.NO_ANSWER),
        ("malformed", UNKNOWN, "malformed", Problem.BAD_ANSWER),
        ("malformed-chunk", UNKNOWN, "200", Problem.BAD_ANSWER),
        ("lie-type", UNKNOWN, "200", Problem.BAD_ANSWER),
        ("lie-success", UNKNOWN, "200", Problem.BAD_ANSWER),
        ("lie-length", UNKNOWN, "200", Problem.NO_ANSWER),
        ("brotli", UNKNOWN, "200", Problem.BAD_ANSWER),
        ("long", UNKNOWN, "200", Problem.BAD_ANSWER),
        ("bomb", UNKNOWN, "200", Problem.BAD_ANSWER),
        ("empty", UNKNOWN, "204", Problem.BAD_ANSWER),
        ("redirect/http%3A%2F%2F127.0.0.1%2F", UNKNOWN, "307", Problem.BAD_ANSWER),
        ("unavailable/30", UNKNOWN, "503", Problem.CARRIER_FAILED),
        ("status/500", UNKNOWN, "500", Problem.CARRIER_FAILED),
        ("status/504", UNKNOWN, "504", Problem.CARRIER_FAILED),
        ("status/408", UNKNOWN, "408", Problem.BAD_ANSWER),
        ("status/404", NOT_PLACED, "404", Problem.BAD_SETTINGS),
        ("gone", NOT_PLACED, "410", Problem.REFUSED),
    ],
)
def test_broken_carrier_gets_one_request(
    carrier: Carrier,
    outbound: OutboundClient,
    receiver: Receiver,
    behavior: str,
    outcome: DialOutcome,
    code: str,
    problem: Problem,
) -> None:
    timeouts = SHORT_HEADERS if behavior == "lose" else Timeouts()
    receiver.script(behavior, name=f"carrier/2010-04-01/Accounts/{carrier.account_sid}/Calls.json")
    url = receiver.url("script/carrier")
    client = make_client(carrier, outbound, api_url=url, timeouts=timeouts)
    assert client.place(call_to("01")) == Dialed(outcome, code=code, problem=problem)
    assert len(receiver.received()) == 1


def test_answer_that_never_ends_is_unknown(
    carrier: Carrier, outbound: OutboundClient, receiver: Receiver
) -> None:
    client = make_client(carrier, outbound, api_url=receiver.url("drip"), timeouts=SHORT_BODY)
    assert client.place(call_to("01")) == Dialed(UNKNOWN, code="200", problem=Problem.NO_ANSWER)
    assert len(receiver.received()) == 1
