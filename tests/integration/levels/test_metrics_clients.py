"""What the metrics server logs of clients that disconnect, and of a scrape that fails."""

import logging
import socket
import struct
from collections.abc import Iterable, Iterator

import pytest
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector

from leadswitch.levels.serving.server import MetricsServer

RESET = struct.pack("ii", 1, 0)  # closing the socket resets the connection


class Broken(Collector):
    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        raise RuntimeError("broken")


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def server(registry: CollectorRegistry) -> Iterator[MetricsServer]:
    found = MetricsServer("127.0.0.1", 0, registry)
    yield found
    found.server_close()


def answer(server: MetricsServer, sent: bytes, *, resets: bool) -> None:
    """Answer one client, in this thread."""
    with socket.create_connection(server.server_address[:2]) as client:
        request, address = server.get_request()
        client.sendall(sent)
        if resets:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            client.close()
        server.process_request_thread(request, address)


@pytest.mark.parametrize("sent", [b"", b"GET /metr", b"GET /metrics HTTP/1.1\r\n\r\n"])
def test_client_that_resets_is_not_logged(
    server: MetricsServer,
    sent: bytes,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer(server, sent, resets=True)
    assert caplog.records == []
    assert capsys.readouterr().err == ""


def test_scrape_that_fails_is_logged_without_the_address(
    server: MetricsServer,
    registry: CollectorRegistry,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    registry.register(Broken())
    with caplog.at_level(logging.ERROR):
        answer(server, b"GET /metrics HTTP/1.0\r\n\r\n", resets=False)
    [record] = caplog.records
    assert record.getMessage() == "metrics.request_failed"
    assert isinstance(record.exc_info, tuple)
    assert isinstance(record.exc_info[1], RuntimeError)
    assert "127.0.0.1" not in capsys.readouterr().err
