"""A subscriber's system."""

from collections.abc import Iterator

import pytest

from tests.support.buyer_system import BuyerSystem, buyer_system


@pytest.fixture
def system() -> Iterator[BuyerSystem]:
    with buyer_system() as running:
        yield running
