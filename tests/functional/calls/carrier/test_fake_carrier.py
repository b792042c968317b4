"""The carrier of the tests does what its page promises: callees, notices, faults, and a record of what was live."""

import time
from collections import Counter

import pytest

from distribution.calls.carrier import CarrierClient, DialOutcome
from distribution.deliveries.outbound import OutboundClient
from tests.carrier import Carrier
from tests.carrier.callees import BY_DIGITS, CALLEES, choose
from tests.functional.calls.carrier.dialing import (
    FROM,
    call_to,
    find_call,
    make_client,
    number,
    place,
    wait_for_notices,
    wait_for_status,
)
from tests.support.call_scripts import Scripts
from tests.support.waiting import wait_until

ALL = ["initiated", "ringing", "answered", "completed"]


@pytest.mark.parametrize(
    ("digits", "status", "events", "keys", "answered_by"),
    [
        ("01", "completed", ALL, "1", "human"),
        ("02", "completed", ALL, "2", "human"),
        ("03", "completed", ALL, "", "human"),
        ("04", "completed", ALL, "", "machine_start"),
        ("05", "busy", ["initiated", "ringing", "completed"], "", ""),
        ("06", "no-answer", ["initiated", "ringing", "completed"], "", ""),
        ("07", "failed", ["initiated", "completed"], "", ""),
        ("08", "completed", ALL, "", "fax"),
        ("09", "completed", ALL, "9", "human"),
        ("10", "completed", ALL, "", "human"),
        ("20", "completed", ALL, "5", "human"),
        ("21", "completed", ALL, "1", "unknown"),
    ],
)
def test_callee_behaves_as_its_number_says(
    carrier: Carrier,
    client: CarrierClient,
    scripts: Scripts,
    digits: str,
    status: str,
    events: list[str],
    keys: str,
    answered_by: str,
) -> None:
    carrier.configure(second_ms=20)
    sid = place(client, call_to(digits, scripts)).sid
    notices = wait_for_notices(carrier, sid)
    assert [notice["event"] for notice in notices] == events
    assert [notice["sequence"] for notice in notices] == list(range(len(events)))
    call = find_call(carrier, sid)
    assert (call["status"], call["keys"]) == (status, keys)
    received = scripts.of("/status")
    assert [each.value("CallStatus") for each in received] == [
        *("in-progress" if event == "answered" else event for event in events[:-1]),
        status,
    ]
    last = received[-1]
    assert (last.value("CallSid"), last.value("To"), last.value("From")) == (sid, number(digits), FROM)
    assert last.value("CallbackSource") == "call-progress-events"
    assert last.value("AnsweredBy") == answered_by
    assert (last.value("CallDuration") != "0") == (status == "completed")
    assert [each.value("AnsweredBy") for each in scripts.of("/script")] == [answered_by] * (
        status == "completed"
    )
    assert "".join(each.value("Digits") for each in scripts.of("/keys")) == keys


def test_machines_are_detected_only_if_the_call_asks(
    carrier: Carrier, client: CarrierClient, scripts: Scripts
) -> None:
    carrier.configure(second_ms=20)
    sid = place(client, call_to("04", scripts, detects_machines=False)).sid
    wait_for_notices(carrier, sid)
    assert [each.value("AnsweredBy") for each in scripts.received] == [""] * len(scripts.received)


def test_call_rings_for_its_timeout_at_the_most(carrier: Carrier, client: CarrierClient) -> None:
    carrier.configure(ring_ms=60_000, second_ms=20)
    sid = place(client, call_to("01", ring_seconds=5)).sid
    assert wait_for_status(carrier, sid, "no-answer")["answered_at"] is None


def test_every_callee_has_digits_and_every_weight_is_used() -> None:
    assert sorted(BY_DIGITS.values()) == sorted(CALLEES)
    assert choose("+14045559999", mix={}, seed=1) == "confirms"
    numbers = [f"+1404555{each:04}" for each in range(1_000)]
    mix = {"confirms": 7, "busy": 2, "no-answer": 1}
    drawn = Counter(choose(each, mix=mix, seed=1) for each in numbers)
    assert 650 < drawn["confirms"] < 750
    assert 150 < drawn["busy"] < 250
    assert [choose(each, mix=mix, seed=1) for each in numbers] != [
        choose(each, mix=mix, seed=2) for each in numbers
    ]


def test_callees_of_a_number_take_turns(carrier: Carrier, client: CarrierClient, scripts: Scripts) -> None:
    carrier.set_callees(number("01"), "busy", "invalid", "declines")
    call = call_to("01", scripts)
    first = place(client, call).sid
    wait_for_status(carrier, first, "busy")
    assert client.place(call).code == "21211"
    for _ in range(2):
        assert wait_for_status(carrier, place(client, call).sid, "completed")["keys"] == "2"


def test_stuck_call_ends_at_its_limit(carrier: Carrier, client: CarrierClient) -> None:
    carrier.configure(second_ms=10, ring_ms=1)
    sid = place(client, call_to("25", time_limit_seconds=20)).sid
    call = wait_for_status(carrier, sid, "completed")
    assert call["ended_by"] == "limit"
    assert call["ended_at"] - call["answered_at"] >= 0.19


def test_silent_call_sends_no_notice(carrier: Carrier, client: CarrierClient, scripts: Scripts) -> None:
    sid = place(client, call_to("26", scripts)).sid
    assert wait_for_status(carrier, sid, "completed")["keys"] == "1"
    wait_until(lambda: len(carrier.notices()) == 4, what="the last notice")
    assert {notice["fate"] for notice in carrier.notices()} == {"lost"}
    assert scripts.of("/status") == []


def test_calls_start_at_the_pace_of_the_account(carrier: Carrier, client: CarrierClient) -> None:
    carrier.change_account(calls_per_second=20)
    for each in range(1, 7):
        place(client, call_to("27", to=f"+1404556{each:02}27"))
    wait_until(
        lambda: all(call["started_at"] for call in carrier.calls()), what="every call has left the queue"
    )
    calls = carrier.calls()
    waits = [call["started_at"] - calls[0]["created_at"] for call in calls]
    assert [wait for place_in_line, wait in enumerate(waits) if wait < place_in_line / 20 - 0.005] == []


def test_record_says_what_was_live_at_once(carrier: Carrier, client: CarrierClient) -> None:
    other = "+14045550099"
    sids = [place(client, call_to("27", to=f"+1404556{each:02}27")).sid for each in range(3)]
    place(client, call_to("27", from_number=other))
    record = carrier.record()
    assert (record["most_live"], record["live"]) == ({FROM: 3, other: 1}, {FROM: 3, other: 1})
    assert record["doubled"] == []
    for sid in sids:
        carrier.act(sid, "busy")
        wait_for_status(carrier, sid, "busy")
    place(client, call_to("27"))
    record = carrier.record()
    assert (record["most_live"], record["live"]) == ({FROM: 3, other: 1}, {FROM: 1, other: 1})
    assert record["doubled"] == [number("27")]


def test_notices_are_lost_doubled_and_out_of_order(
    carrier: Carrier, client: CarrierClient, scripts: Scripts
) -> None:
    for fault, expected in (("lose", 0), ("double", 8), ("delay", 4), ("reorder", 4)):
        carrier.configure(lose=0, double=0, delay=0, reorder=0, delay_ms=150)
        carrier.configure(**{fault: 1})
        scripts.received.clear()
        sid = place(client, call_to("01", scripts)).sid
        wait_for_status(carrier, sid, "completed")
        wait_until(lambda n=expected: len(scripts.of("/status")) == n, what=f"{fault}: the notices")
        tokens = Counter(each.headers["I-Twilio-Idempotency-Token"] for each in scripts.of("/status"))
        assert set(tokens.values()) <= {2 if fault == "double" else 1}
        fates = {"lose": "lost", "double": "doubled", "delay": "delayed", "reorder": "reordered"}
        of_call = [notice for notice in carrier.notices() if notice["sid"] == sid]
        assert {notice["fate"] for notice in of_call} == {fates[fault]}


def test_notice_that_is_held_comes_after_the_next_one(
    carrier: Carrier, client: CarrierClient, scripts: Scripts
) -> None:
    """With a seed by which some notices are in order and some are not."""
    carrier.configure(reorder=0.5, delay_ms=60_000, seed=3)
    sids = [place(client, call_to("01", scripts)).sid for _ in range(8)]

    def is_out_of_order(sid: str) -> bool:
        of_call = [each for each in scripts.of("/status") if each.value("CallSid") == sid]
        arrived = [int(each.value("SequenceNumber")) for each in of_call]
        return arrived != sorted(arrived)

    wait_until(lambda: any(is_out_of_order(sid) for sid in sids), what="a notice is out of order")
    for sid in sids:
        wait_for_status(carrier, sid, "completed")


def test_same_seed_makes_the_same_faults(carrier: Carrier, client: CarrierClient) -> None:
    def run(seed: int) -> list[tuple[str, str]]:
        carrier.reset()
        carrier.configure(seed=seed, lose=0.2, double=0.2, fail_after=0.3, throttle=0.2, second_ms=1)
        outcomes = []
        for _ in range(12):
            dialed = client.place(call_to("05"))
            outcomes.append((dialed.outcome.value, dialed.code))
        wait_until(lambda: all(call["ended_at"] for call in carrier.calls()), what="all calls end")
        fates = sorted((notice["sid"], notice["sequence"], notice["fate"]) for notice in carrier.notices())
        order = {call["sid"]: place for place, call in enumerate(carrier.calls())}
        return [*outcomes, *sorted((f"{order[sid]}:{step}", fate) for sid, step, fate in fates)]

    first, again, other = run(7), run(7), run(8)
    assert first == again
    assert first != other


def test_rates_of_dial_faults(carrier: Carrier, client: CarrierClient) -> None:
    for name, outcome, is_placed in (
        ("throttle", DialOutcome.THROTTLED, False),
        ("fail_before", DialOutcome.UNKNOWN, False),
        ("fail_after", DialOutcome.UNKNOWN, True),
        ("reset_after", DialOutcome.UNKNOWN, True),
        ("late_answer", DialOutcome.PLACED, True),
    ):
        carrier.reset()
        carrier.configure(**{name: 1, "late_ms": 10})
        assert client.place(call_to("01")).outcome is outcome
        assert len(carrier.calls()) == is_placed


@pytest.mark.parametrize(
    ("fragment", "statuses", "tries"),
    [
        ("", [500], ["500"]),
        ("#rc=2&rp=5xx", [500, 503], ["500", "503", "200"]),
        ("#rc=1&rp=all", [404, 404], ["404", "404"]),
        ("#rc=3&rp=4xx", [500], ["500"]),
        ("#rc=0&rp=all", [500], ["500"]),
    ],
)
def test_notice_is_repeated_as_its_url_asks(
    carrier: Carrier,
    client: CarrierClient,
    scripts: Scripts,
    fragment: str,
    statuses: list[int],
    tries: list[str],
) -> None:
    scripts.statuses["/status"] = list(statuses)
    call = call_to("27", scripts, status_url=f"{scripts.url}/status{fragment}")
    sid = place(client, call).sid
    [first, *_] = wait_for_notices(carrier, sid, "initiated")
    assert first["tries"] == tries
    repeated = scripts.of("/status")[: len(tries)]
    assert len({each.headers["I-Twilio-Idempotency-Token"] for each in repeated}) == 1
    assert {each.url for each in repeated} == {f"{scripts.url}/status"}


def test_notice_without_a_receiver_is_tried_twice(carrier: Carrier, client: CarrierClient) -> None:
    sid = place(client, call_to("27")).sid
    [first, *_] = wait_for_notices(carrier, sid, "initiated")
    assert first["tries"] == ["connect", "connect"]


def test_script_that_cannot_be_performed_ends_the_call(
    carrier: Carrier, client: CarrierClient, scripts: Scripts
) -> None:
    for answer, problem in (
        ("no XML", "it is not XML"),
        ("<Response><Dial>+1</Dial></Response>", "<Dial> is not known"),
        ("<Response><Gather digits='1'/></Response>", "<Gather> has no digits"),
        ("<Response><Redirect>script</Redirect></Response>", "too many documents"),
        ("<!DOCTYPE x [<!ENTITY e 'x'>]><Response>&e;</Response>", "it is not XML"),
    ):
        scripts.answers["/script"] = answer
        call = wait_for_status(carrier, place(client, call_to("01", scripts)).sid, "completed")
        assert (call["ended_by"], call["problem"]) == ("carrier", problem)
    scripts.statuses["/script"] = [503]
    call = wait_for_status(carrier, place(client, call_to("01", scripts)).sid, "completed")
    assert call["problem"] == "the script's answer is 503"


def test_calls_go_on_while_the_carrier_is_away(
    carrier: Carrier, client: CarrierClient, scripts: Scripts
) -> None:
    for notices, events in (("sent", 4), ("held", 4), ("lost", 2)):
        scripts.received.clear()
        sid = place(client, call_to("27", scripts)).sid
        wait_for_notices(carrier, sid, "ringing")
        carrier.go_away(notices=notices)
        carrier.act(sid, "answer")
        carrier.act(sid, "press:1")
        assert wait_for_status(carrier, sid, "completed")["keys"] == "1"
        assert client.place(call_to("01")).outcome is DialOutcome.NOT_PLACED
        if notices == "held":
            assert len(scripts.of("/status")) == 2
        carrier.come_back()
        wait_until(lambda n=events: len(scripts.of("/status")) == n, what=f"{notices}: the notices")
        seen = client.read(sid)
        assert seen is not None
        assert seen.status == "completed"


def test_carrier_comes_back_by_itself(carrier: Carrier, outbound: OutboundClient) -> None:
    began_at = time.monotonic()
    carrier.go_away(seconds=0.3)
    client = make_client(carrier, outbound)
    wait_until(lambda: client.place(call_to("27")).outcome is DialOutcome.PLACED, what="the carrier is back")
    assert time.monotonic() - began_at >= 0.3


def test_unknown_names_are_refused(carrier: Carrier, client: CarrierClient) -> None:
    sid = place(client, call_to("01")).sid
    for mistake, message in (
        (lambda: carrier.configure(looses=1), "no setting has the name 'looses'"),
        (lambda: carrier.configure(lose=2), "lose is a share from 0 to 1"),
        (lambda: carrier.configure(ring_ms="5"), "ring_ms is not a number from 0"),
        (lambda: carrier.configure(mix={"nobody-there": 1}), "mix has no weight 'nobody-there'"),
        (lambda: carrier.change_account(calls=1), "an account has no 'calls'"),
        (lambda: carrier.change_account(calls_per_second=0), "calls_per_second is above 0"),
        (lambda: carrier.change_account(signs="md5"), "an account signs with one of"),
        (lambda: carrier.set_callees(number("01"), "asleep"), "no callee has the name 'asleep'"),
        (lambda: carrier.set_callees(number("01")), "there is no callee"),
        (lambda: carrier.act(sid, "answer"), "there is no such call"),
        (lambda: carrier.go_away(notices="burned"), "notices are one of"),
    ):
        with pytest.raises(AssertionError, match=message.replace("(", r"\(")):
            mistake()


def test_reset_forgets_everything(carrier: Carrier, client: CarrierClient, scripts: Scripts) -> None:
    carrier.change_account(token="new", calls_per_second=1)
    carrier.change_account(token=carrier.auth_token)
    place(client, call_to("27", scripts))
    carrier.go_away(notices="lost")
    carrier.reset()
    assert carrier.record() == {
        "calls": [],
        "requests": [],
        "notices": [],
        "live": {},
        "most_live": {},
        "doubled": [],
    }
    sid = place(client, call_to("01", scripts)).sid
    assert [each["fate"] for each in wait_for_notices(carrier, sid)] == ["sent"] * 4
