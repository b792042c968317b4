"""Calls that the tests place, and how they wait for them."""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_network
from typing import Any, Final

from distribution.calls.carrier import CarrierClient, Dialed, DialOutcome, PlaceCall
from distribution.deliveries.outbound import OutboundClient
from tests.carrier import Carrier
from tests.support.call_scripts import Scripts
from tests.support.waiting import wait_until

# Not from tests.support.delivering: a conftest is loaded before the models can be.
LOCAL: Final = (ip_network("127.0.0.0/8"),)
FROM: Final = "+14045550000"
NOWHERE: Final = "http://127.0.0.1:9/"


def make_client(carrier: Carrier, outbound: OutboundClient, **changes: Any) -> CarrierClient:
    options: dict[str, Any] = {
        "api_url": carrier.api_url,
        "account_sid": carrier.account_sid,
        "auth_token": carrier.auth_token,
        **changes,
    }
    return CarrierClient(outbound=outbound, **options)


def number(digits: str) -> str:
    """A phone whose last two digits choose the callee."""
    return f"+140455501{digits}"


def call_to(digits: str, scripts: Scripts | None = None, **changes: Any) -> PlaceCall:
    base = scripts.url if scripts else NOWHERE.rstrip("/")
    call = PlaceCall(
        number(digits),
        FROM,
        script_url=f"{base}/script",
        status_url=f"{base}/status",
        ring_seconds=30,
        time_limit_seconds=600,
    )
    return replace(call, **changes)


def place(client: CarrierClient, call: PlaceCall) -> Dialed:
    """Place a call that the carrier takes."""
    dialed = client.place(call)
    assert dialed.outcome is DialOutcome.PLACED, dialed
    return dialed


def find_call(carrier: Carrier, sid: str) -> Mapping[str, Any]:
    return next(each for each in carrier.calls() if each["sid"] == sid)


def wait_for_status(carrier: Carrier, sid: str, status: str) -> Mapping[str, Any]:
    wait_until(lambda: find_call(carrier, sid)["status"] == status, what=f"the call is {status}")
    return find_call(carrier, sid)


def wait_for_notices(carrier: Carrier, sid: str, event: str = "completed") -> list[Mapping[str, Any]]:
    """Until the notice of this event was answered. Returns all status notices of the call in their order."""

    def of_call() -> list[Mapping[str, Any]]:
        return [each for each in carrier.notices() if each["sid"] == sid]

    wait_until(
        lambda: any(each["event"] == event and each["tries"] for each in of_call()), what=f"a notice {event}"
    )
    return of_call()
