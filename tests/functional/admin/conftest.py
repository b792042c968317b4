"""Forms of endpoints look no host up in the network."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # loaded before the apps are
    from distribution.deliveries.outbound import OutboundClient


@pytest.fixture(scope="package")
def checking_client() -> Iterator["OutboundClient"]:
    from tests.support.public_hosts import make_checking_client  # this file is loaded before the apps are

    client = make_checking_client()
    yield client
    client.close()


@pytest.fixture(autouse=True)
def hosts_are_public(checking_client: "OutboundClient", monkeypatch: pytest.MonkeyPatch) -> None:
    from distribution.deliveries import checking  # this file is loaded before the apps are

    monkeypatch.setattr(checking, "get_client", lambda: checking_client)
