"""A carrier, a client of it, and a server that answers its callbacks."""

from collections.abc import Iterator

import pytest

from distribution.calls.carrier import CarrierClient
from distribution.deliveries.outbound import OutboundClient, Policy
from tests.carrier import Carrier
from tests.functional.calls.carrier.dialing import LOCAL, make_client
from tests.support.call_scripts import Scripts, serve_scripts


@pytest.fixture
def outbound() -> Iterator[OutboundClient]:
    client = OutboundClient(Policy(LOCAL))
    yield client
    client.close()


@pytest.fixture
def client(carrier: Carrier, outbound: OutboundClient) -> CarrierClient:
    return make_client(carrier, outbound)


@pytest.fixture
def scripts() -> Iterator[Scripts]:
    with serve_scripts() as scripts:
        yield scripts
