"""HTTPS: the name of the URL is what the certificate must be for, whichever address is connected to."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Final

import certifi
import pytest
import trustme

from distribution.deliveries.outbound import (
    Failure,
    OutboundClient,
    OutboundRequest,
    OutboundResult,
    Policy,
    Timeouts,
)
from distribution.deliveries.outbound.client import make_tls
from tests.receivers import Receiver, start_receiver

LOOPBACK: Final = Policy((ip_network("127.0.0.0/8"),))
NAME: Final = "buyer.test"
SHORT: Final = Timeouts(30, 2, 2, 30)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def write_certificate(authority: trustme.CA, directory: Path, *names: str, **options: datetime) -> Path:
    file = directory / "server.pem"
    authority.issue_cert(*names, **options).private_key_and_cert_chain_pem.write_to_path(str(file))
    return file


@pytest.fixture(scope="module")
def secure_receiver(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    directory = tmp_path_factory.mktemp("tls")
    certificate = write_certificate(authority, directory, NAME, "xn--bcher-kva.test", "127.0.0.1")
    with start_receiver(directory / "received.jsonl", certificate=certificate) as receiver:
        yield receiver


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def post(url: str, *, tls: ssl.SSLContext | None = None, timeouts: Timeouts | None = None) -> OutboundResult:
    client = OutboundClient(LOOPBACK, resolve=lambda _host: ["127.0.0.1"], tls=tls)
    try:
        return client.send(OutboundRequest(url, body=b"{}", timeouts=timeouts or Timeouts()))
    finally:
        client.close()


@pytest.mark.parametrize(
    ("host", "tls_name"),
    [(NAME, NAME), ("Buyer.TEST", NAME), ("bücher.test", "xn--bcher-kva.test"), ("127.0.0.1", "")],
)
def test_name_of_the_url_is_in_sni_and_in_the_host_header(
    authority: trustme.CA, secure_receiver: Receiver, host: str, tls_name: str
) -> None:
    receiver = secure_receiver.new_run()
    result = post(receiver.url("accept", host=host), tls=trusting(authority))
    assert (result.is_sent, result.status, result.address) == (True, 200, "127.0.0.1")
    [received] = receiver.received()
    assert received.tls_name == tls_name
    assert received.headers["host"] == f"{tls_name or host}:{receiver.port}"


def test_certificate_of_another_name_is_refused(authority: trustme.CA, secure_receiver: Receiver) -> None:
    receiver = secure_receiver.new_run()
    result = post(receiver.url("accept", host="other.test"), tls=trusting(authority))
    assert (result.is_sent, result.failure, result.status) == (False, Failure.TLS_FAILED, None)
    assert result.detail.startswith(
        "Certificate: Hostname mismatch, certificate is not valid for 'other.test'"
    )
    assert receiver.received() == []


def test_certificate_of_an_unknown_authority_is_refused(secure_receiver: Receiver) -> None:
    receiver = secure_receiver.new_run()
    result = post(receiver.url("accept", host=NAME))
    assert (result.is_sent, result.failure) == (False, Failure.TLS_FAILED)
    assert result.detail.startswith("Certificate: unable to get local issuer certificate")
    assert receiver.received() == []


def test_expired_certificate_is_refused(authority: trustme.CA, tmp_path: Path) -> None:
    certificate = write_certificate(authority, tmp_path, NAME, not_after=datetime(2020, 1, 1, tzinfo=UTC))
    with start_receiver(tmp_path / "received.jsonl", certificate=certificate) as receiver:
        result = post(receiver.url("accept", host=NAME), tls=trusting(authority))
        assert (result.is_sent, result.failure) == (False, Failure.TLS_FAILED)
        assert result.detail == "Certificate: certificate has expired."
        assert receiver.received() == []


def test_https_to_a_server_that_waits_for_plain_http_is_not_sent(receiver: Receiver) -> None:
    url = receiver.url("accept", host=NAME).replace("http://", "https://")
    result = post(url, timeouts=Timeouts(connect_seconds=0.2))
    assert (result.is_sent, result.failure) == (False, Failure.CONNECT_TIMEOUT)
    assert receiver.received() == []


@pytest.mark.usefixtures("patient_connections")
def test_connection_is_used_again_for_its_own_name_only(
    authority: trustme.CA, secure_receiver: Receiver
) -> None:
    """Both names have one address. A connection that was verified for one proves nothing about the other."""
    receiver = secure_receiver.new_run()
    client = OutboundClient(LOOPBACK, resolve=lambda _host: ["127.0.0.1"], tls=trusting(authority))
    for host in (NAME, NAME, "bücher.test", NAME):
        assert client.send(OutboundRequest(receiver.url("accept", host=host), body=b"{}")).status == 200
    client.close()
    first, second, other, last = (each.connection for each in receiver.received())
    assert first == second == last != other


@pytest.mark.parametrize("behavior", ["cut-after", "lose", "drip", "long", "stream", "malformed"])
def test_broken_answers_over_tls_are_reported_as_without(
    authority: trustme.CA, secure_receiver: Receiver, receiver: Receiver, behavior: str
) -> None:
    secure = secure_receiver.new_run()
    client = OutboundClient(LOOPBACK, resolve=lambda _host: ["127.0.0.1"], tls=trusting(authority))
    results = [
        client.send(OutboundRequest(each.url(behavior, host=NAME), body=b"{}", timeouts=SHORT))
        for each in (secure, receiver)
    ]
    client.close()
    known = [(each.is_sent, each.failure, each.status, each.is_body_cut) for each in results]
    assert known[0] == known[1]
    assert known[0][0] is True


def test_public_authorities_are_trusted_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    context = make_tls()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert len(context.get_ca_certs()) == Path(certifi.where()).read_text().count("BEGIN CERTIFICATE")


def test_variable_names_other_authorities(
    authority: trustme.CA, secure_receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "authorities.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    assert post(secure_receiver.new_run().url("accept", host=NAME)).status == 200
