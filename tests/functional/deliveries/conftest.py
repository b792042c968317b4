"""An endpoint that sends to a buyer's system, and who works with it."""

from typing import TYPE_CHECKING

import pytest

from tests.support.buyer_system import BuyerSystem

if TYPE_CHECKING:  # loaded before the apps are
    from django.test import Client

    from distribution.models import Buyer, Endpoint


@pytest.fixture
def endpoint(db: None, system: BuyerSystem) -> "Endpoint":  # noqa: ARG001
    """A signed webhook."""
    from tests.support.delivering import sign  # loads tables, and this file is loaded before the apps are
    from tests.support.factories import EndpointFactory

    endpoint: Endpoint = EndpointFactory(url=system.url, timeout_seconds=2)
    sign(endpoint)
    return endpoint


@pytest.fixture
def buyer(db: None) -> "Buyer":  # noqa: ARG001
    from tests.support.factories import BuyerFactory

    buyer: Buyer = BuyerFactory()
    return buyer


@pytest.fixture
def operator(buyer: "Buyer") -> "Client":
    from tests.support.admin_pages import client_of, person

    return client_of(person("operator", buyer.workspace))
