"""What is read from the answers of a carrier, also from answers that no carrier should send."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distribution.calls.carrier.judging import judge
from distribution.calls.carrier.reading import (
    read_call,
    read_calls,
    read_code,
    read_next_page,
    read_object,
    read_queue_ms,
)
from distribution.calls.carrier.values import OVER, DialOutcome
from distribution.deliveries.outbound import OutboundResult

SID: Final = "CA" + "0" * 32
CALL: Final = {
    "sid": SID,
    "status": "completed",
    "to": "+14045550101",
    "from": "+14045550000",
    "answered_by": "machine_start",
    "date_created": "Mon, 30 Nov 2026 10:00:00 +0000",
    "start_time": "Mon, 30 Nov 2026 05:00:01 -0500",
    "end_time": "Mon, 30 Nov 2026 10:00:42 +0000",
    "duration": "41",
    "price": "-0.00850",
    "price_unit": "usd",
}


def answer_with(body: bytes, *, status: int) -> OutboundResult:
    return OutboundResult(
        is_sent=True,
        duration_ms=1,
        failure=None,
        detail="",
        address="",
        status=status,
        headers=(),
        body=body,
        is_body_cut=False,
    )


def at(second: int) -> datetime:
    return datetime(2026, 11, 30, 10, 0, second, tzinfo=UTC)


def test_every_part_of_a_call_is_read() -> None:
    call = read_call(CALL)
    assert call is not None
    assert (call.sid, call.status, call.answered_by, call.is_over) == (
        SID,
        "completed",
        "machine_start",
        True,
    )
    assert (call.to, call.from_number) == ("+14045550101", "+14045550000")
    assert (call.created_at, call.started_at, call.ended_at) == (at(0), at(1), at(42))
    assert (call.duration_seconds, call.price, call.currency) == (41, Decimal("-0.00850"), "USD")
    assert call.cost_micros == 8_500
    assert call.to not in repr(call)
    assert call.from_number not in repr(call)


def test_only_ended_calls_are_over() -> None:
    statuses = ("queued", "initiated", "ringing", "in-progress", *sorted(OVER), "new-status", "")
    over = {
        status for status in statuses if (found := read_call({**CALL, "status": status})) and found.is_over
    }
    assert over == {"completed", "busy", "no-answer", "failed", "canceled"}


@pytest.mark.parametrize(
    ("name", "value", "attribute", "expected"),
    [
        ("duration", 41, "duration_seconds", 41),
        ("duration", "-1", "duration_seconds", None),
        ("duration", "1.5", "duration_seconds", None),
        ("duration", True, "duration_seconds", None),
        ("duration", "9" * 30, "duration_seconds", None),
        ("price", -0.0085, "cost_micros", 8_500),
        ("price", "0", "cost_micros", 0),
        ("price", None, "cost_micros", None),
        ("price", "NaN", "cost_micros", None),
        ("price", "1e400", "cost_micros", None),
        ("price", "free", "cost_micros", None),
        ("start_time", None, "started_at", None),
        ("start_time", "", "started_at", None),
        ("start_time", "2026-11-30", "started_at", None),
        ("start_time", "Mon, 99 Nov 2026 10:00:00 +0000", "started_at", None),
        ("start_time", "Mon, 30 Nov 2026 10:00:01 -0000", "started_at", at(1)),
        ("status", 5, "status", ""),
        ("status", "x" * 41, "status", ""),
        ("answered_by", None, "answered_by", ""),
        ("start_time", "Fri, 31 Dec 9999 23:59:59 -1400", "started_at", None),
        ("answered_by", "x" * 31, "answered_by", ""),
        ("answered_by", "machine start", "answered_by", ""),
        ("price_unit", "x" * 20, "currency", ""),
        ("price_unit", "€", "currency", ""),
    ],
)
def test_odd_value_is_left_out(name: str, value: Any, attribute: str, expected: Any) -> None:
    call = read_call({**CALL, name: value})
    assert call is not None
    assert getattr(call, attribute) == expected


@pytest.mark.parametrize("character", ["\x00", "\ud800", "\n", "\u0662", "\u2028"])
@pytest.mark.parametrize("name", sorted(CALL))
def test_text_with_a_character_that_no_carrier_sends_is_left_out(name: str, character: str) -> None:
    """PostgreSQL stores neither NUL nor half of a surrogate pair, and the answer would come again and again."""
    answer = {**CALL, name: f"{CALL[name]}{character}"}
    body = read_object(answer_with(json.dumps(answer).encode(), status=200))
    assert body == answer
    call = read_call(body)
    if name == "sid":
        assert call is None
        return
    assert call is not None
    kept = (call.status, call.answered_by, call.currency)
    assert character not in "".join(kept)
    assert kept == tuple(
        "" if name == each else given
        for each, given in (("status", "completed"), ("answered_by", "machine_start"), ("price_unit", "USD"))
    )
    assert (call.duration_seconds is None) == (name == "duration")


def test_page_is_read_as_a_whole_or_not_at_all() -> None:
    """A page with one call that cannot be read may hide the call that is looked for."""
    assert read_calls({"calls": []}) == []
    assert [call.sid for call in read_calls({"calls": [CALL, CALL]}) or []] == [SID, SID]
    for page in ({}, {"calls": None}, {"calls": {}}, {"calls": [CALL, {}]}, {"calls": [CALL, "x"]}):
        assert read_calls(page) is None


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("/2010-04-01/Accounts/AC1/Calls.json?Page=1", "/2010-04-01/Accounts/AC1/Calls.json?Page=1"),
        (None, ""),
        ("", ""),
        ("https://other.example.com/", None),
        ("//other.example.com/", None),
        ("/Calls.json?Page=\ud800", None),
        ("/Calls.json?Page=1\x00", None),
        ("/Calls.json?Page=1\nHost: other.example.com", None),
        (5, None),
    ],
)
def test_next_page_is_a_path_of_the_same_host(uri: Any, expected: str | None) -> None:
    assert read_next_page({"next_page_uri": uri}) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [(21211, "21211"), ("21211", "21211"), ("invalid_number", "invalid_number"), (True, ""), (None, "")],
)
def test_code_is_text(code: Any, expected: str) -> None:
    assert read_code({"code": code}) == expected
    assert read_code({"code": "+1 404 555 0101"}) == ""
    assert read_code({"code": "x" * 21}) == ""


def test_queue_time_is_milliseconds_or_none() -> None:
    assert [read_queue_ms({"queue_time": value}) for value in ("1500", 20, None, "", "-5", [])] == [
        *(1500, 20, 0),
        *(0, 0, 0),
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(CALL)), inner),
    max_leaves=8,
)


@given(
    body=st.dictionaries(st.sampled_from([*CALL, "code", "queue_time"]), json_values),
    status=st.integers(200, 599),
)
def test_no_answer_makes_an_error(body: dict[str, Any], status: int) -> None:
    """Each is judged, and only a success with an id is placed."""
    read_call(body)
    text = json.dumps(body).encode()
    dialed = judge(answer_with(text, status=status))
    assert (dialed.outcome is DialOutcome.PLACED) == bool(dialed.sid)
    assert not (dialed.sid and status >= 300)
    assert len(dialed.code) <= 20


@given(text=st.binary(max_size=60))
def test_no_bytes_make_an_error(text: bytes) -> None:
    assert judge(answer_with(text, status=201)).outcome is DialOutcome.UNKNOWN
