"""Fixtures of the carrier, loaded by tests/conftest.py."""

from collections.abc import Iterator

import pytest

from tests.carrier.running import Carrier, start_carrier


@pytest.fixture(scope="session")
def running_carrier() -> Iterator[Carrier]:
    with start_carrier() as carrier:
        yield carrier


@pytest.fixture
def carrier(running_carrier: Carrier) -> Iterator[Carrier]:
    """A carrier in a process of its own, as new. It must not be killed: tests share it."""
    running_carrier.reset()
    yield running_carrier
    running_carrier.reset()
