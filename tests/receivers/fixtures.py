"""Fixtures of the receivers, loaded by tests/conftest.py."""

from collections.abc import Iterator

import pytest

from tests.receivers.running import Receiver, start_receiver


@pytest.fixture(scope="session")
def running_receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with start_receiver(tmp_path_factory.mktemp("receiver") / "received.jsonl") as receiver:
        yield receiver


@pytest.fixture
def receiver(running_receiver: Receiver) -> Receiver:
    """A buyer's system in a process of its own, with nothing received yet. It must not be killed: tests share it."""
    return running_receiver.new_run()
