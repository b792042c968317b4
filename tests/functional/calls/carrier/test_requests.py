"""The exact requests that our client writes, as the carrier receives them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl

from distribution.calls.carrier import CarrierClient, EndStatus
from distribution.deliveries.outbound import OutboundClient, Policy
from tests.carrier import Carrier
from tests.functional.calls.carrier.dialing import FROM, LOCAL, call_to, make_client, number, place
from tests.receivers import Receiver

FIELDS: Final = [
    ["To", "+14045550127"],
    ["From", "+14045550000"],
    ["Url", "http://127.0.0.1:9/script"],
    ["Method", "POST"],
    ["StatusCallback", "http://127.0.0.1:9/status"],
    ["StatusCallbackMethod", "POST"],
    ["StatusCallbackEvent", "initiated"],
    ["StatusCallbackEvent", "ringing"],
    ["StatusCallbackEvent", "answered"],
    ["StatusCallbackEvent", "completed"],
    ["Timeout", "25"],
    ["TimeLimit", "90"],
]
RECORDED: Final = [
    ["Record", "true"],
    ["RecordingStatusCallback", "http://127.0.0.1:9/recording"],
    ["RecordingStatusCallbackMethod", "POST"],
    ["RecordingStatusCallbackEvent", "completed"],
]


def test_form_of_a_call_has_exactly_these_fields(carrier: Carrier, client: CarrierClient) -> None:
    plain = call_to("27", ring_seconds=25, time_limit_seconds=90, detects_machines=False)
    detecting = replace(plain, detects_machines=True)
    recorded = replace(detecting, records=True, recording_url="http://127.0.0.1:9/recording")
    for call in (plain, detecting, recorded):
        place(client, call)
    machines = ["MachineDetection", "Enable"]
    assert [request["form"] for request in carrier.requests()] == [
        FIELDS,
        [*FIELDS, machines],
        [*FIELDS, machines, *RECORDED],
    ]


def test_recording_is_off_unless_the_call_asks_for_it() -> None:
    assert (call_to("01").records, call_to("01").recording_url) == (False, "")


def test_other_requests_have_exactly_these_parts(carrier: Carrier, client: CarrierClient) -> None:
    sid = place(client, call_to("27")).sid
    client.read(sid)
    client.find(to=number("27"), from_number=FROM, since=datetime(2026, 1, 1, tzinfo=UTC))
    client.end(sid, EndStatus.CANCELED)
    base = f"/2010-04-01/Accounts/{carrier.account_sid}"
    filters = [["To", number("27")], ["From", FROM], ["PageSize", "20"]]
    assert [
        (request["method"], request["path"], request["query"], request["form"])
        for request in carrier.requests()[1:]
    ] == [
        ("GET", f"{base}/Calls/{sid}.json", [], []),
        ("GET", f"{base}/Calls.json", filters, []),
        ("POST", f"{base}/Calls/{sid}.json", [], [["Status", "canceled"]]),
    ]


def test_headers_are_those_of_a_form(carrier: Carrier, receiver: Receiver) -> None:
    outbound = OutboundClient(Policy(LOCAL))
    make_client(
        carrier, outbound, api_url=f"{receiver.url('accept')}/", account_sid="AC1", auth_token="t"
    ).place(call_to("01"))
    outbound.close()
    [received] = receiver.received()
    assert received.path.endswith("/accept/2010-04-01/Accounts/AC1/Calls.json")
    assert received.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "authorization": "Basic QUMxOnQ=",
        "user-agent": "LeadSwitch",
        "content-type": "application/x-www-form-urlencoded",
        "accept-encoding": "identity",
        "content-length": str(len(received.body or "")),
    }
    assert dict(parse_qsl(received.body or ""))["To"] == number("01")
