"""Cases in which `make up` refuses before it starts anything."""

import socket
from pathlib import Path

import pytest
from django.test import override_settings
from django.urls import reverse

from leadswitch.up import (
    STREAM_PATH,
    AlreadyRuns,
    PortTaken,
    describe_addresses,
    hold_directory,
    refuse_taken_port,
)


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


def test_second_start_with_the_same_data_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    with override_settings(VAR_DIR=tmp_path):
        with hold_directory(), pytest.raises(AlreadyRuns, match=f"data in {tmp_path}. Stop that"):
            hold_directory()
        hold_directory().close()


def test_ready_message_names_the_address_of_the_streams() -> None:
    assert reverse("buyer-offers-stream") == STREAM_PATH
    text = describe_addresses("http://127.0.0.1:8000", streams="http://127.0.0.1:8010")
    assert text == (
        "LeadSwitch is ready: admin http://127.0.0.1:8000/admin/  API http://127.0.0.1:8000/api/docs/"
        "  portal http://127.0.0.1:8000/portal/  streams of offers http://127.0.0.1:8010/api/v1/buyer/offers/stream/"
    )
