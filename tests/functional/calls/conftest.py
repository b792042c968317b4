"""A channel at the carrier of the tests, and the product where the carrier calls back."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.carrier import Carrier

if TYPE_CHECKING:
    from tests.support.calling import Office


@pytest.fixture
def office(carrier: Carrier, committed_db: None, settings: Any) -> Iterator["Office"]:  # noqa: ARG001
    from tests.support.calling import open_office  # loads tables, and this file is loaded before the apps are
    from tests.support.served_here import served_here

    with served_here() as address, open_office(carrier) as office:
        settings.LEADSWITCH_BASE_URL = address
        carrier.configure(
            ring_ms=5
        )  # shorter than the time for which a call rings, also if a second is short
        yield office
        carrier.reset()
