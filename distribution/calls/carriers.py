"""The clients of carrier accounts: one for each account and its present settings, over the process's HTTP client."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from distribution.calls.carrier import CarrierClient
from distribution.deliveries.client import get_client
from distribution.models import CarrierAccount

GetCarrier = Callable[[CarrierAccount], CarrierClient]
# A client is small. More accounts than these make new ones.
CLIENTS_KEPT: Final = 1_000


def get_carrier(account: CarrierAccount) -> CarrierClient:
    """The client of this row: another one after its address, id or token has changed. Call it after a fork."""
    return _make(account.api_url, account.account_sid, account.auth_token)


@lru_cache(maxsize=CLIENTS_KEPT)
def _make(api_url: str, account_sid: str, auth_token: str) -> CarrierClient:
    return CarrierClient(
        api_url=api_url, account_sid=account_sid, auth_token=auth_token, outbound=get_client()
    )
