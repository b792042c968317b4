"""Carriers that answer in odd ways: they list too much, answer about another call, or do not answer at all."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.utils import timezone

from distribution.calls.carrier import CarrierClient
from distribution.calls.checking import check_due
from distribution.calls.finishing import finish_due
from distribution.models import Call, CallNotice, CarrierAccount
from tests.support.calling import Office
from tests.support.delivering import local_client
from tests.support.factories import CallFactory, CarrierAccountFactory, ChannelFactory
from tests.support.ports import free_port

MINE = "CA" + "a" * 32
OTHER = "CA" + "b" * 32
PHONE = "+14045550101"
FROM = "+14045550000"
ELSEWHERE = "+14045559999"
Answer = Callable[[str, str, dict[str, str]], tuple[int, Any]]


@contextmanager
def odd_carrier(answer: Answer) -> Iterator[tuple[str, list[tuple[str, str, dict[str, str]]]]]:
    asked: list[tuple[str, str, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            form = dict(parse_qsl(body))
            asked.append((self.command, self.path, form))
            status, found = answer(self.command, self.path, form)
            content = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _answer

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def describe(sid: str, *, to: str, status: str = "in-progress", **more: Any) -> dict[str, Any]:
    at = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
    return {"sid": sid, "status": status, "to": to, "from": FROM, "date_created": at, **more}


def check(*, after: timedelta = timedelta()) -> int:
    outbound = local_client()
    Call.objects.filter(ended_at__isnull=True).update(next_check_at=timezone.now())

    def carrier_of(account: CarrierAccount) -> CarrierClient:
        return CarrierClient(
            api_url=account.api_url,
            account_sid=account.account_sid,
            auth_token=account.auth_token,
            outbound=outbound,
        )

    try:
        clock = lambda: timezone.now() + after  # noqa: E731
        finish_due(limit=100, get_carrier=carrier_of, clock=clock)
        return check_due(limit=100, get_carrier=carrier_of, clock=clock)
    finally:
        outbound.close()


def unknown_call(url: str, **changes: Any) -> Call:
    made = CallFactory(
        channel__account__api_url=url,
        verification__lead__phone=changes.pop("phone", PHONE),
        from_number=FROM,
        dial="unknown",
        **changes,
    )
    return Call.objects.get(pk=made.pk)


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("elsewhere", [ELSEWHERE, "client:alice"])
def test_calls_to_others_in_the_list_are_left_alone(elsewhere: str) -> None:
    """A carrier that does not know the filter To lists everything: those calls belong to others."""

    def answer(method: str, path: str, form: dict[str, str]) -> tuple[int, Any]:
        del path, form
        if method == "POST":
            return 200, describe(OTHER, to=elsewhere)
        return 200, {
            "calls": [describe(OTHER, to=elsewhere), describe(MINE, to=PHONE)],
            "next_page_uri": None,
        }

    with odd_carrier(answer) as (url, asked):
        call = unknown_call(url)
        check()
        check()

    call.refresh_from_db()
    ended = [path for method, path, form in asked if method == "POST"]
    assert (call.carrier_sid, ended) == (MINE, [])


@pytest.mark.usefixtures("committed_db")
def test_answer_about_another_call_ends_no_call() -> None:
    def answer(method: str, path: str, form: dict[str, str]) -> tuple[int, Any]:
        del method, path, form
        return 200, describe(OTHER, to=ELSEWHERE)

    with odd_carrier(answer) as (url, asked):
        unknown_call(url, carrier_sid=MINE, state="ringing")
        check()
        check()

    assert [path for method, path, _ in asked if method == "POST"] == []


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize(
    "odd",
    [
        {"answered_by": "x" * 35},
        {"answered_by": "human\x00"},
        {"answered_by": "human\ud800"},
        {"price": "-0.01", "price_unit": "U\x00D"},
    ],
    ids=["too_long", "nul", "half_a_surrogate_pair", "nul_in_currency"],
)
def test_answer_with_text_that_cannot_be_stored_frees_the_line(odd: dict[str, Any]) -> None:
    def answer(method: str, path: str, form: dict[str, str]) -> tuple[int, Any]:
        del method, path, form
        return 200, describe(MINE, to=PHONE, status="completed", **odd)

    with odd_carrier(answer) as (url, _):
        call = unknown_call(url, carrier_sid=MINE, state="in_progress")
        check()

    call.refresh_from_db()
    assert (call.outcome, call.answered_by, call.cost_currency) == ("no_input", "", "")


@pytest.mark.usefixtures("committed_db")
def test_call_is_found_in_a_list_that_comes_in_one_large_page() -> None:
    """The carrier ignores PageSize: 200 calls, 400 kB."""

    def answer(method: str, path: str, form: dict[str, str]) -> tuple[int, Any]:
        del method, path, form
        older = [describe(f"CA{n:032d}", to=PHONE, status="completed", pad="x" * 1_800) for n in range(199)]
        return 200, {"calls": [describe(MINE, to=PHONE), *older], "next_page_uri": None}

    with odd_carrier(answer) as (url, _):
        call = unknown_call(url)
        check(after=timedelta(hours=2))

    call.refresh_from_db()
    assert call.carrier_sid is not None


@pytest.mark.usefixtures("committed_db")
def test_second_calls_of_a_dead_account_keep_up_no_others() -> None:
    """Each is asked about with pauses, and the account once a turn."""

    def answer(method: str, path: str, form: dict[str, str]) -> tuple[int, Any]:
        del method, form
        return (
            (401, {"code": 20003})
            if "ACdead" in path
            else (200, describe(OTHER, to=PHONE, status="completed"))
        )

    at = timezone.now()
    ended = {"state": "ended", "outcome": "busy", "ended_at": at, "next_check_at": None}
    with odd_carrier(answer) as (url, asked):
        dead = ChannelFactory(account=CarrierAccountFactory(api_url=url, account_sid="ACdead"))
        call = CallFactory(channel=dead, verification__lead__source__workspace=dead.workspace, **ended)
        notes = [
            CallNotice(call_id=call.pk, kind="status", carrier_sid=f"CB{n:032d}", result="hang_up")
            for n in range(100)
        ]
        CallNotice.objects.bulk_create(notes)
        good = unknown_call(url, carrier_sid=MINE, **ended)
        CallNotice.objects.create(call=good, kind="status", carrier_sid=OTHER, result="hang_up")
        for _ in range(3):
            check()

    assert [
        CallNotice.objects.get(carrier_sid=OTHER).result,
        CallNotice.objects.filter(result="hang_up").count(),
    ] == [
        "hung_up",
        100,
    ]
    assert len([path for _, path, _ in asked if "ACdead" in path]) == 1
    assert len([path for _, path, _ in asked if "ACdead" not in path]) == 1


@pytest.mark.usefixtures("committed_db")
def test_second_call_is_given_up_after_a_day() -> None:
    with odd_carrier(lambda *_: (401, {"code": 20003})) as (url, asked):
        call = unknown_call(url, carrier_sid=MINE)
        CallNotice.objects.create(call=call, kind="status", carrier_sid=OTHER, result="hang_up")
        results = []
        for hours in (0, 23, 25):
            check(after=timedelta(hours=hours))
            note = CallNotice.objects.get()
            results.append((note.result, note.tries, note.applied_at is not None))

    assert results == [("hang_up", 1, False), ("hang_up", 2, False), ("failed", 3, True)]
    assert len([path for method, path, _ in asked if method == "POST"]) == 3


def test_call_is_found_although_our_clock_is_ten_minutes_ahead(office: Office) -> None:
    office.carrier.configure(lose=1)
    ahead = timedelta(minutes=10)
    call = office.begin("27")
    Call.objects.filter(pk=call.pk).update(
        created_at=timezone.now() + ahead, dialed_at=timezone.now() + ahead, dial="unknown"
    )
    office.request(call)

    office.check(after=ahead + timedelta(seconds=5))
    office.check(after=ahead + timedelta(seconds=601))

    call.refresh_from_db()
    assert (call.carrier_sid is not None, call.outcome) == (True, ""), (
        "a call that rings was given up: it is placed again"
    )


@pytest.mark.usefixtures("committed_db")
def test_many_accounts_of_a_silent_carrier_cost_two_questions() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    for n in range(5):
        unknown_call(url, carrier_sid=f"CA{n:032d}", phone=f"+1404555012{n}")
    asked: list[str] = []

    def get_carrier(account: CarrierAccount) -> CarrierClient:
        asked.append(account.name)
        return CarrierClient(api_url=account.api_url, account_sid="AC1", auth_token="t", outbound=outbound)

    outbound = local_client()
    Call.objects.update(next_check_at=timezone.now())
    try:
        assert check_due(limit=10, get_carrier=get_carrier) == 5
    finally:
        outbound.close()
    assert len(asked) == 2
    assert Call.objects.filter(ended_at__isnull=True).count() == 5
