"""Lets the product reach servers of this machine, such as the carrier of the tests, over its own HTTP client."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from distribution.calls import carriers
from distribution.deliveries.client import get_client
from tests.support.delivering import LOCAL


@contextmanager
def reach_this_machine(settings: Any) -> Iterator[None]:
    """The clients of the process are made anew, before and after."""
    settings.LEADSWITCH_OUTBOUND_ALLOWED_NETWORKS = LOCAL
    _forget_clients()
    try:
        yield
    finally:
        get_client().close()
        _forget_clients()


def _forget_clients() -> None:
    get_client.cache_clear()
    carriers._make.cache_clear()
