"""What the client asks a carrier: reads, finds and ends calls, and fetches recordings."""

import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

import pytest

from distribution.calls.carrier import CarrierClient, CarrierUnavailable, EndStatus, Problem
from distribution.deliveries.outbound import OutboundClient
from tests.carrier import Carrier
from tests.functional.calls.carrier.dialing import (
    FROM,
    call_to,
    make_client,
    number,
    place,
    wait_for_notices,
    wait_for_status,
)
from tests.receivers import Receiver
from tests.support.call_scripts import Scripts
from tests.support.waiting import wait_until

SECOND: Final = timedelta(seconds=1)


def now() -> datetime:
    return datetime.now(UTC)


def test_call_is_read_at_each_step(carrier: Carrier, client: CarrierClient, scripts: Scripts) -> None:
    began_at = now()
    sid = place(client, call_to("27", scripts)).sid
    wait_for_status(carrier, sid, "ringing")
    ringing = client.read(sid)
    assert ringing is not None
    assert (ringing.sid, ringing.status, ringing.is_over) == (sid, "ringing", False)
    assert (ringing.to, ringing.from_number, ringing.answered_by) == (number("27"), FROM, "")
    assert (ringing.duration_seconds, ringing.price, ringing.cost_micros) == (None, None, None)
    carrier.act(sid, "answer")
    wait_until(lambda: bool(carrier.notices("script")), what="the carrier fetches the script")
    carrier.act(sid, "press:1")
    wait_for_status(carrier, sid, "completed")
    ended = client.read(sid)
    assert ended is not None
    assert (ended.status, ended.is_over, ended.answered_by) == ("completed", True, "human")
    assert (ended.duration_seconds, ended.price, ended.currency) == (1, Decimal("-0.01400"), "USD")
    assert ended.cost_micros == 14_000
    for at in (ended.created_at, ended.started_at, ended.ended_at):
        assert at is not None
        assert began_at - SECOND <= at <= now()


@pytest.mark.parametrize(("digits", "status"), [("05", "busy"), ("06", "no-answer"), ("07", "failed")])
def test_call_that_was_not_answered_costs_nothing(
    carrier: Carrier, client: CarrierClient, digits: str, status: str
) -> None:
    carrier.configure(second_ms=20)
    sid = place(client, call_to(digits)).sid
    wait_for_status(carrier, sid, status)
    seen = client.read(sid)
    assert seen is not None
    assert (seen.status, seen.is_over, seen.duration_seconds, seen.cost_micros) == (status, True, None, None)


def test_unknown_call_is_none(carrier: Carrier, client: CarrierClient) -> None:
    unknown = "CA" + "f" * 32
    assert client.read(unknown) is None
    assert client.end(unknown, EndStatus.COMPLETED) is None
    assert client.download_recording("RE" + "f" * 32) is None
    assert len(carrier.requests()) == 3


def test_id_that_would_leave_the_path_is_refused(carrier: Carrier, client: CarrierClient) -> None:
    for sid in ("", "../Accounts", "CA1/Recordings/x", "CA" + "0" * 32 + "?x=1", "CA" + "0" * 32 + "\n"):
        with pytest.raises(ValueError, match="no id of a carrier"):
            client.read(sid)
    assert carrier.requests() == []


def test_lost_call_is_found_by_its_numbers(carrier: Carrier, client: CarrierClient) -> None:
    """The connection was reset after the call was placed, so its id is not known."""
    began_at = now()
    client.place(call_to("19"))
    client.place(call_to("27"))
    client.place(call_to("19", from_number="+14045550099"))
    [found] = client.find(to=number("19"), from_number=FROM, since=began_at)
    assert found.sid == carrier.calls()[0]["sid"]
    assert client.find(to=number("20"), from_number=FROM, since=began_at) == []


def test_call_that_waits_in_the_queue_is_found(carrier: Carrier, client: CarrierClient) -> None:
    """It has no start yet, and the carrier's filter by start time would leave it out."""
    began_at = now()
    carrier.change_account(calls_per_second=0.1)
    place(client, call_to("27"))
    client.place(call_to("19"))
    [found] = client.find(to=number("19"), from_number=FROM, since=began_at)
    assert (found.status, found.started_at) == ("queued", None)


def test_all_pages_are_read(carrier: Carrier, client: CarrierClient) -> None:
    began_at = now()
    placed = [place(client, call_to("27")).sid for _ in range(45)]
    found = client.find(to=number("27"), from_number=FROM, since=began_at)
    assert [call.sid for call in found] == placed[::-1]
    assert len(carrier.requests("GET")) == 3


def test_older_calls_are_left_out_and_end_the_search(carrier: Carrier, client: CarrierClient) -> None:
    for _ in range(25):
        place(client, call_to("27"))
    later = now() + timedelta(minutes=1)
    assert client.find(to=number("27"), from_number=FROM, since=later) == []
    assert len(carrier.requests("GET")) == 1


def test_ringing_call_is_canceled(carrier: Carrier, client: CarrierClient) -> None:
    sid = place(client, call_to("27")).sid
    wait_for_status(carrier, sid, "ringing")
    assert client.end(sid, EndStatus.CANCELED) is not None
    call = wait_for_status(carrier, sid, "canceled")
    assert (call["ended_by"], call["answered_at"]) == ("api", None)
    assert client.end(sid, EndStatus.CANCELED) is None


def test_queued_call_is_canceled(carrier: Carrier, client: CarrierClient) -> None:
    carrier.change_account(calls_per_second=0.1)
    place(client, call_to("27"))
    sid = place(client, call_to("01")).sid
    assert client.end(sid, EndStatus.COMPLETED) is not None
    assert wait_for_status(carrier, sid, "canceled")["started_at"] is None


def test_call_that_is_up_is_completed_and_not_canceled(
    carrier: Carrier, client: CarrierClient, scripts: Scripts
) -> None:
    sid = place(client, call_to("25", scripts)).sid
    wait_for_status(carrier, sid, "in-progress")
    unchanged = client.end(sid, EndStatus.CANCELED)
    assert unchanged is not None
    assert unchanged.status == "in-progress"
    assert client.end(sid, EndStatus.COMPLETED) is not None
    assert wait_for_status(carrier, sid, "completed")["ended_by"] == "api"
    assert wait_for_notices(carrier, sid)[-1]["event"] == "completed"


def test_recording_is_downloaded(carrier: Carrier, client: CarrierClient, scripts: Scripts) -> None:
    """Of half a minute: longer than the answers of other requests may be."""
    carrier.configure(recording_seconds=30)
    call = call_to("01", scripts, records=True, recording_url=f"{scripts.url}/recording")
    place(client, call)
    wait_until(lambda: bool(scripts.of("/recording")), what="the notice of the recording")
    [notice] = scripts.of("/recording")
    assert notice.value("RecordingDuration") == "30"
    recording = client.download_recording(notice.value("RecordingSid"))
    assert recording is not None
    assert (recording.content_type, recording.content[:4]) == ("audio/x-wav", b"RIFF")
    assert len(recording.content) == 44 + 2 * 8_000 * 30
    assert "RIFF" not in repr(recording)


def test_call_without_recording_makes_none(carrier: Carrier, client: CarrierClient, scripts: Scripts) -> None:
    sid = place(client, call_to("01", scripts)).sid
    wait_for_notices(carrier, sid)
    assert carrier.notices("recording") == []


def test_carrier_that_is_away_is_an_error(carrier: Carrier, client: CarrierClient) -> None:
    carrier.go_away()
    sid = "CA" + "0" * 32
    questions = [
        lambda: client.read(sid),
        lambda: client.find(to=number("01"), from_number=FROM, since=now()),
        lambda: client.end(sid, EndStatus.COMPLETED),
        lambda: client.download_recording(sid),
    ]
    for ask in questions:
        with pytest.raises(CarrierUnavailable) as caught:
            ask()
        assert (caught.value.problem, caught.value.code) == (Problem.UNREACHABLE, "connect_failed")
        assert str(caught.value) == "unreachable: connect_failed"


def test_refused_question_is_an_error_with_the_problem(carrier: Carrier, outbound: OutboundClient) -> None:
    client = make_client(carrier, outbound, auth_token="wrong")
    with pytest.raises(CarrierUnavailable) as caught:
        client.find(to=number("01"), from_number=FROM, since=now())
    assert (caught.value.problem, caught.value.code) == (Problem.ACCOUNT_REFUSED, "20003")


@pytest.mark.parametrize("behavior", ["accept", "accept-xml", "long", "cut-answer", "malformed"])
def test_answer_that_is_no_call_is_an_error(
    carrier: Carrier, outbound: OutboundClient, receiver: Receiver, behavior: str
) -> None:
    """Never an empty list: the call would be placed again."""
    client = make_client(carrier, outbound, api_url=receiver.url(behavior))
    for ask in (
        lambda: client.read("CA" + "0" * 32),
        lambda: client.find(to=number("01"), from_number=FROM, since=now()),
    ):
        with pytest.raises(CarrierUnavailable):
            ask()
    assert len(receiver.received()) == 2


def test_phones_and_token_are_not_shown(
    carrier: Carrier, outbound: OutboundClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = make_client(carrier, outbound)
    call = call_to("27")
    sid = place(client, call).sid
    seen = client.read(sid)
    found = client.find(to=call.to, from_number=FROM, since=now() - SECOND)
    refused = client.place(call_to("11"))
    with pytest.raises(CarrierUnavailable) as caught:
        make_client(carrier, outbound, auth_token="another-token").read(sid)
    texts = [repr(each) for each in (client, call, seen, found, refused, caught.value)]
    texts.append(caplog.text)
    for secret in (call.to, number("11"), FROM, carrier.auth_token, "another-token", "Basic "):
        assert [text for text in texts if secret in text] == []
    assert sid in repr(seen)
