"""The official client and validator of Twilio work against the carrier of the tests. They are not our code."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator, get_signature_algorithm
from twilio.rest import Client

from distribution.calls.signing import SETTINGS_HEADER, SIGNATURE_HEADER, is_signed
from tests.carrier import Carrier
from tests.functional.calls.carrier.dialing import (
    FROM,
    number,
    wait_for_notices,
    wait_for_status,
)
from tests.support.call_scripts import Callback, Scripts
from tests.support.waiting import wait_until

EVENTS = ["initiated", "ringing", "answered", "completed"]


class Loopback(TwilioHttpClient):
    """Sends what goes to api.twilio.com to the carrier of the tests."""

    def __init__(self, base: str) -> None:
        super().__init__(timeout=30)
        self._base = base

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Response:
        here = url.replace("https://api.twilio.com", self._base)
        assert here.startswith(self._base), url
        return super().request(method, here, *args, **options)


@pytest.fixture
def twilio(carrier: Carrier) -> Client:
    return Client(carrier.account_sid, carrier.auth_token, http_client=Loopback(carrier.api_url))


@pytest.fixture
def dial(twilio: Client, scripts: Scripts) -> Callable[..., Any]:
    def create(digits: str, **options: Any) -> Any:
        asked = {
            "url": f"{scripts.url}/script?call=1",
            "status_callback": f"{scripts.url}/status?call=1",
            "status_callback_event": EVENTS,
            "machine_detection": "Enable",
            "timeout": 5,
            "time_limit": 60,
            **options,
        }
        return twilio.calls.create(to=number(digits), from_=FROM, **asked)

    return create


def test_official_client_places_and_reads_a_call(
    carrier: Carrier, twilio: Client, dial: Callable[..., Any]
) -> None:
    placed = dial("01")
    assert (placed.status, placed.to, placed._from, placed.queue_time) == ("queued", number("01"), FROM, "0")
    assert (placed.start_time, placed.price, placed.direction) == (None, None, "outbound-api")
    wait_for_status(carrier, placed.sid, "completed")
    read = twilio.calls(placed.sid).fetch()
    assert (read.status, read.answered_by, read.duration, read.price) == (
        *("completed", "human"),
        *("1", "-0.01400"),
    )
    assert datetime.now(UTC) - timedelta(minutes=1) < read.start_time <= read.end_time


def test_end_of_a_machines_message_is_reported(
    carrier: Carrier, twilio: Client, dial: Callable[..., Any]
) -> None:
    placed = dial("04", machine_detection="DetectMessageEnd")
    wait_for_status(carrier, placed.sid, "completed")
    assert twilio.calls(placed.sid).fetch().answered_by == "machine_end_beep"


def test_official_client_lists_filters_and_pages(
    carrier: Carrier, twilio: Client, dial: Callable[..., Any]
) -> None:
    sids = [dial("27").sid for _ in range(7)]
    other = dial("01").sid
    wait_for_status(carrier, other, "completed")
    wait_for_status(carrier, sids[-1], "ringing")
    assert [call.sid for call in twilio.calls.list(page_size=3)] == [other, *sids[::-1]]
    assert [call.sid for call in twilio.calls.list(to=number("27"), page_size=3)] == sids[::-1]
    assert [call.sid for call in twilio.calls.list(status="completed")] == [other]
    assert twilio.calls.list(from_="+14045559999") == []
    minute = timedelta(minutes=1)
    now = datetime.now(UTC)
    assert len(twilio.calls.list(start_time_after=now - minute)) == 8
    assert twilio.calls.list(start_time_after=now + minute) == []
    assert len(twilio.calls.list(start_time_before=now + minute, limit=2)) == 2


def test_official_client_ends_calls(carrier: Carrier, twilio: Client, dial: Callable[..., Any]) -> None:
    ringing, up = dial("27").sid, dial("25").sid
    wait_for_status(carrier, up, "in-progress")
    twilio.calls(ringing).update(status="canceled")
    twilio.calls(up).update(status="completed")
    wait_for_status(carrier, ringing, "canceled")
    wait_for_status(carrier, up, "completed")
    with pytest.raises(TwilioRestException) as caught:
        twilio.calls(up).update(status="completed")
    assert (caught.value.status, caught.value.code) == (400, 21220)


def test_official_client_reads_errors(carrier: Carrier, twilio: Client, dial: Callable[..., Any]) -> None:
    for options, status, code in (
        ({"digits": "11"}, 400, 21211),
        ({"digits": "15"}, 429, 20429),
        ({"digits": "01", "fallback_url": "http://127.0.0.1/"}, 400, 20001),
        ({"digits": "01", "timeout": 601}, 400, 20001),
        ({"digits": "01", "status_callback_event": ["initiated ringing"]}, 400, 20001),
        ({"digits": "01", "url": "ftp://example.com"}, 400, 21205),
    ):
        with pytest.raises(TwilioRestException) as caught:
            dial(**options)
        assert (caught.value.status, caught.value.code) == (status, code)
    with pytest.raises(TwilioRestException) as caught:
        twilio.calls("CA" + "f" * 32).fetch()
    assert (caught.value.status, caught.value.code) == (404, 20404)
    stranger = Client(carrier.account_sid, "wrong", http_client=Loopback(carrier.api_url))
    with pytest.raises(TwilioRestException) as caught:
        stranger.calls("CA" + "f" * 32).fetch()
    assert (caught.value.status, caught.value.code) == (401, 20003)
    assert carrier.calls() == []


class Form:
    """A form as the validator reads it."""

    def __init__(self, callback: Callback) -> None:
        self._fields = callback.fields

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter([name for name, _ in self._fields])

    def getlist(self, name: str) -> list[str]:
        return [value for each, value in self._fields if each == name]


def is_accepted(callback: Callback, *, token: str, key: str) -> tuple[bool, bool]:
    """By the validator, and by us."""
    settings = callback.headers.get(SETTINGS_HEADER, "")
    signature = callback.headers[SIGNATURE_HEADER]
    validator = RequestValidator(key if settings else token)
    algorithm = get_signature_algorithm(settings)
    official = validator.validate(callback.url, Form(callback), signature, algorithm)
    ours = is_signed(
        callback.url,
        callback.fields,
        signature=signature,
        settings=settings,
        tokens=[token],
        signing_keys=[key],
    )
    return official, ours


@pytest.mark.parametrize("signs", ["sha1", "sha256", "mixed"])
def test_every_callback_is_accepted_by_the_validator_and_by_us(
    carrier: Carrier, dial: Callable[..., Any], scripts: Scripts, signs: str
) -> None:
    carrier.change_account(signs=signs)
    options = {"record": True, "recording_status_callback": f"{scripts.url}/recording?a=%2B&a=%20"}
    sid = dial("01", **options).sid
    wait_for_notices(carrier, sid)
    wait_until(lambda: bool(scripts.of("/recording")), what="the notice of the recording")
    assert [each.path for each in scripts.received].count("/status") == 4
    assert {each.path for each in scripts.received} == {"/script", "/keys", "/status", "/recording"}
    for callback in scripts.received:
        assert is_accepted(callback, token=carrier.auth_token, key=carrier.signing_key) == (True, True)
        assert is_accepted(callback, token="other", key="other") == (False, False)
    by_key = [SETTINGS_HEADER in each.headers for each in scripts.received]
    assert (any(by_key), all(by_key)) == (signs != "sha1", signs == "sha256")
