"""Cases in which `make up` refuses before it starts anything."""

import socket

import pytest

from leadswitch.up import PortTaken, refuse_taken_port


def test_taken_port_is_refused_with_another_way() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} .*PORT=8001"):
            refuse_taken_port("127.0.0.1", port)


def test_impossible_port_is_refused() -> None:
    with pytest.raises(PortTaken, match="70000"):
        refuse_taken_port("127.0.0.1", 70_000)
