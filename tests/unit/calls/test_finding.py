"""A lost call is looked for on every page that may have it, in whatever order the carrier lists calls."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final

import pytest

from distribution.calls.carrier import CarrierClient, CarrierUnavailable, Problem
from distribution.calls.carrier.client import MOST_PAGES, SEARCH_MS, TIMEOUTS
from distribution.calls.check_times import LEASE
from distribution.deliveries.outbound import OutboundClient, OutboundRequest, OutboundResult, Policy

SINCE: Final = datetime(2026, 11, 30, 10, 0, 0, 500_000, tzinfo=UTC)


class Pages(OutboundClient):
    """Answers with these pages, one by one; the last one again. Each lasts so long."""

    def __init__(self, pages: Sequence[dict[str, Any]], *, duration_ms: int = 1, date: str = "") -> None:
        super().__init__(Policy())
        self._pages, self._duration_ms = list(pages), duration_ms
        self._headers = (("date", date),) if date else ()
        self.asked: list[str] = []

    def send(self, request: OutboundRequest) -> OutboundResult:
        self.asked.append(request.url)
        page = self._pages.pop(0) if len(self._pages) > 1 else self._pages[0]
        return OutboundResult(
            is_sent=True,
            duration_ms=self._duration_ms,
            failure=None,
            detail="",
            address="",
            status=200,
            headers=self._headers,
            body=json.dumps(page).encode(),
            is_body_cut=False,
        )


def call(number: int, seconds: int | None) -> dict[str, Any]:
    """Made that long after SINCE."""
    at = None if seconds is None else format_datetime(SINCE + timedelta(seconds=seconds))
    return {"sid": f"CA{number:032}", "date_created": at}


def page(*calls: dict[str, Any], has_next: bool = True) -> dict[str, Any]:
    return {"calls": calls, "next_page_uri": "/next?Page=1" if has_next else None}


def find(*pages: dict[str, Any]) -> tuple[list[int], list[str]]:
    """The numbers of the calls that are found, and the URLs that are asked."""
    outbound = Pages(pages)
    client = CarrierClient(
        api_url="https://carrier.test", account_sid="AC1", auth_token="t", outbound=outbound
    )
    found = client.find(to="+14045550101", from_number="+14045550000", since=SINCE)
    return [int(each.sid[2:]) for each in found], outbound.asked


def test_pages_are_read_until_calls_are_older() -> None:
    found, asked = find(page(call(5, 9), call(4, 5)), page(call(3, 1), call(2, -9)), page(call(1, -20)))
    assert found == [5, 4, 3]
    assert asked == [
        "https://carrier.test/2010-04-01/Accounts/AC1/Calls.json?To=%2B14045550101&From=%2B14045550000&PageSize=20",
        "https://carrier.test/next?Page=1",
    ]


def test_second_of_the_time_counts() -> None:
    """The carrier writes whole seconds: a call of the same second may be the one that is looked for."""
    assert find(page(call(2, 0), call(1, -1), has_next=False))[0] == [2]


def test_list_with_the_oldest_first_is_read_to_its_end() -> None:
    found, asked = find(page(call(1, -20), call(2, -9)), page(call(3, -5), call(4, 5), has_next=False))
    assert (found, len(asked)) == ([4], 2)


@pytest.mark.parametrize(("ahead", "found"), [(3_600, [2]), (-3_600, [2, 1])], ids=["ahead", "behind"])
def test_date_of_the_answer_leaves_out_no_call(ahead: int, found: list[int]) -> None:
    """A proxy may write it. A call that is left out is taken as not placed, and its person is called again."""
    date = format_datetime(SINCE + timedelta(seconds=ahead))
    outbound = Pages([page(call(2, 5), call(1, -5), has_next=False)], date=date)
    client = CarrierClient(
        api_url="https://carrier.test", account_sid="AC1", auth_token="t", outbound=outbound
    )

    seen = client.find(to="+14045550101", from_number="+14045550000", since=SINCE, at=SINCE)

    assert [int(each.sid[2:]) for each in seen] == found


def test_call_without_a_time_is_kept() -> None:
    found, asked = find(page(call(3, None), call(2, -9)), page(call(1, -20), has_next=False))
    assert (found, len(asked)) == ([3], 2)


@pytest.mark.parametrize(
    "to",
    [
        *("+14045550101", "14045550101", "4045550101", "555-0101", "+1 (404) 555-0101", "011 1 404 555 0101"),
        *(
            "tel:+1-404-555-0101;phone-context=+1",
            "sip:+14045550101@10.0.0.1:5060",
            "SIPS:4045550101@example.com",
        ),
        *(None, "", " "),
    ],
)
def test_call_to_the_phone_is_found_in_any_form(to: str | None) -> None:
    assert find(page({**call(1, 0), "to": to}, has_next=False))[0] == [1]


@pytest.mark.parametrize(
    "to",
    [
        *(
            "client:alice",
            "client:+14045550101",
            "sip:alice@example.com",
            "sip:alice@14045550101.example.com",
        ),
        *("whatsapp:+14045550101", "Anonymous", "+14045559999", "0101", "+\u0661\u0664\u0660\u0664", "\x00"),
    ],
)
def test_call_to_something_else_is_left_out(to: str) -> None:
    """Another system of the account made it. A call that is taken for a second one is ended."""
    assert find(page({**call(1, 0), "to": to}, has_next=False))[0] == []


def test_call_from_something_else_is_left_out() -> None:
    assert find(page({**call(1, 0), "from": "client:alice"}, has_next=False))[0] == []


def test_list_without_an_end_is_an_error() -> None:
    """Not an empty list: the call would be placed again."""
    with pytest.raises(CarrierUnavailable) as caught:
        find(page(call(1, 5)))
    assert (caught.value.problem, caught.value.code) == (Problem.BAD_ANSWER, "endless_list")


@pytest.mark.parametrize("uri", ["https://other.test/next", "/next?Page=\ud800", ["/next"]])
def test_list_whose_next_page_cannot_be_asked_is_an_error(uri: Any) -> None:
    """The call may be on it. Older calls end the search whatever the next page is."""
    with pytest.raises(CarrierUnavailable) as caught:
        find({"calls": [call(1, 5)], "next_page_uri": uri})
    assert (caught.value.problem, caught.value.code) == (Problem.BAD_ANSWER, "bad_next_page")
    assert find({"calls": [call(2, 5), call(1, -9)], "next_page_uri": uri})[0] == [2]


def test_number_of_requests_is_bounded() -> None:
    outbound = Pages([page(call(1, 5))])
    client = CarrierClient(
        api_url="https://carrier.test", account_sid="AC1", auth_token="t", outbound=outbound
    )
    with pytest.raises(CarrierUnavailable):
        client.find(to="+14045550101", from_number="+14045550000", since=SINCE)
    assert len(outbound.asked) == MOST_PAGES


def test_search_in_a_slow_list_ends_within_the_lease_of_its_call() -> None:
    """Longer, and another process takes the same call while this one still asks about it."""
    duration_ms = round(TIMEOUTS.total_seconds * 1000) - 1
    outbound = Pages([page(call(1, 5))], duration_ms=duration_ms)
    client = CarrierClient(
        api_url="https://carrier.test", account_sid="AC1", auth_token="t", outbound=outbound
    )
    with pytest.raises(CarrierUnavailable) as caught:
        client.find(to="+14045550101", from_number="+14045550000", since=SINCE)
    assert (caught.value.problem, caught.value.code) == (Problem.BAD_ANSWER, "endless_list")
    assert len(outbound.asked) * duration_ms < LEASE.total_seconds() * 1000
    assert SEARCH_MS + TIMEOUTS.total_seconds * 1000 < LEASE.total_seconds() * 1000
