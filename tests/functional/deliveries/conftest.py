"""A buyer's system, and an endpoint that sends to it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.buyer_system import BuyerSystem, buyer_system

if TYPE_CHECKING:  # loaded before the apps are
    from distribution.models import Endpoint


@pytest.fixture
def system() -> Iterator[BuyerSystem]:
    with buyer_system() as running:
        yield running


@pytest.fixture
def endpoint(db: None, system: BuyerSystem) -> "Endpoint":  # noqa: ARG001
    """A signed webhook."""
    from tests.support.delivering import sign  # loads tables, and this file is loaded before the apps are
    from tests.support.factories import EndpointFactory

    endpoint: Endpoint = EndpointFactory(url=system.url, timeout_seconds=2)
    sign(endpoint)
    return endpoint
