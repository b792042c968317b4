"""Asks a carrier: places, reads, finds and ends calls, and fetches recordings. Thread-safe."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import quote, urlencode

from distribution.calls.carrier.codes import NOT_IN_PROGRESS, name_refusal
from distribution.calls.carrier.failures import CarrierUnavailable
from distribution.calls.carrier.judging import (
    find_code,
    is_refusal,
    judge,
    name_failure,
    read_retry_after,
)
from distribution.calls.carrier.matching import is_between, is_older, is_past
from distribution.calls.carrier.reading import (
    SID,
    read_account,
    read_call,
    read_calls,
    read_next_page,
    read_object,
)
from distribution.calls.carrier.values import (
    AccountSeen,
    CallSeen,
    Dialed,
    EndStatus,
    PlaceCall,
    Problem,
    Recording,
)
from distribution.calls.carrier.writing import write_fields
from distribution.deliveries.outbound import OutboundClient, OutboundRequest, OutboundResult, Timeouts

VERSION: Final = "/2010-04-01"
FORM: Final = "application/x-www-form-urlencoded"
USER_AGENT: Final = "LeadSwitch"
# A dial that ends without an answer holds a line until the carrier was asked: wait for a slow one.
TIMEOUTS: Final = Timeouts(connect_seconds=5.0, headers_seconds=15.0, body_seconds=15.0, total_seconds=20.0)
DOWNLOAD_TIMEOUTS: Final = Timeouts(
    connect_seconds=5.0, headers_seconds=15.0, body_seconds=60.0, total_seconds=60.0
)
# A call is about 2 kB of JSON.
PAGE_SIZE: Final = 20
MOST_PAGES: Final = 50
# No page is asked for after that. With the last one a search ends within the lease of its call (check_times.py).
SEARCH_MS: Final = 30_000
ENDLESS_LIST: Final = "endless_list"
BAD_NEXT_PAGE: Final = "bad_next_page"
MAX_ANSWER_BYTES: Final = 262_144
# Not every carrier heeds the size of a page.
MAX_LIST_BYTES: Final = 8_388_608
OTHER_CALL: Final = "other_call"
# A clock that differs by less looks like a slow answer. The margin of `since` covers it.
LEAST_CLOCK_SHIFT: Final = timedelta(seconds=30)
MAX_RECORDING_BYTES: Final = 20_971_520


class CarrierClient:
    """One account at a carrier. Its repr shows neither the token nor the account."""

    def __init__(
        self,
        *,
        api_url: str,
        account_sid: str,
        auth_token: str,
        outbound: OutboundClient,
        timeouts: Timeouts = TIMEOUTS,
    ) -> None:
        self._base = api_url.rstrip("/")
        self._account = f"{VERSION}/Accounts/{quote(account_sid, safe='')}"
        self._authorization = f"Basic {b64encode(f'{account_sid}:{auth_token}'.encode()).decode()}"
        self._outbound = outbound
        self._timeouts = timeouts

    def place(self, call: PlaceCall) -> Dialed:
        """Send one request for this call, and return what is known about it. Raises nothing."""
        return judge(self._post(f"{self._account}/Calls.json", write_fields(call)))

    def read(self, sid: str) -> CallSeen | None:
        """None: the carrier has no call with this id. Raises CarrierUnavailable."""
        result = self._get(self._path_of(sid))
        return None if _is_missing(result) else _read_one(result, sid)

    def find(
        self, *, to: str, from_number: str, since: datetime, at: datetime | None = None
    ) -> list[CallSeen]:
        """Every call from this number to this phone that the carrier made since then, in the carrier's order.

        The carrier's filter by start time leaves out calls that still wait in its queue, so what is older is left out
        here. `since` is compared with whole seconds of the carrier's clock: leave a margin. `at`: now, by the clock of
        `since`; if the carrier's own is far behind, `since` moves with it. One that seems ahead moves nothing: the
        header may come from a proxy, and a call that is left out is placed again. A carrier that does not know the
        filters lists calls of others: they are left out. Raises CarrierUnavailable.
        """
        query = urlencode({"To": to, "From": from_number, "PageSize": PAGE_SIZE})
        path = f"{self._account}/Calls.json?{query}"
        found: list[CallSeen] = []
        pages, spent_ms = 0, 0.0
        while pages < MOST_PAGES and spent_ms < SEARCH_MS:
            result = self._send("GET", path, max_body_bytes=MAX_LIST_BYTES)
            pages, spent_ms = pages + 1, spent_ms + result.duration_ms
            body = read_object(_require_answer(result))
            page = read_calls(body)
            if page is None:
                raise _unavailable(result)
            began = since + min(_read_shift(result, at), timedelta())
            mine = [call for call in page if is_between(call, from_number, to)]
            found += [call for call in mine if not is_older(call, began)]
            next_path = read_next_page(body)
            if next_path == "" or is_past(page, began):
                return found
            if next_path is None:
                raise CarrierUnavailable(Problem.BAD_ANSWER, BAD_NEXT_PAGE)
            path = next_path
        raise CarrierUnavailable(Problem.BAD_ANSWER, ENDLESS_LIST)

    def end(self, sid: str, status: EndStatus) -> CallSeen | None:
        """Ask the carrier to end a call. None: it has no such call, or the call is over. Raises CarrierUnavailable.

        The call ends later: a notice or `read` says when.
        """
        result = self._post(self._path_of(sid), [("Status", status.value)])
        if _is_missing(result) or (is_refusal(result.status) and find_code(result) == NOT_IN_PROGRESS):
            return None
        return _read_one(result, sid)

    def download_recording(self, sid: str) -> Recording | None:
        """The sound of a recording. None: the carrier does not have it. Raises CarrierUnavailable."""
        path = f"{self._account}/Recordings/{_check(sid)}.wav"
        result = self._send("GET", path, timeouts=DOWNLOAD_TIMEOUTS, max_body_bytes=MAX_RECORDING_BYTES)
        if _is_missing(result):
            return None
        if _require_answer(result).is_body_cut:
            raise _unavailable(result)
        return Recording(result.body, result.find_header("content-type"))

    def read_account(self) -> AccountSeen | None:
        """None: the carrier has no such account. Raises CarrierUnavailable."""
        result = self._get(f"{self._account}.json")
        return None if _is_missing(result) else read_account(read_object(_require_answer(result)))

    def _path_of(self, sid: str) -> str:
        return f"{self._account}/Calls/{_check(sid)}.json"

    def _get(self, path: str) -> OutboundResult:
        return self._send("GET", path)

    def _post(self, path: str, fields: Sequence[tuple[str, str]]) -> OutboundResult:
        return self._send("POST", path, body=urlencode(fields).encode())

    def _send(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        timeouts: Timeouts | None = None,
        max_body_bytes: int = MAX_ANSWER_BYTES,
    ) -> OutboundResult:
        headers = [("Authorization", self._authorization), ("User-Agent", USER_AGENT)]
        if body:
            headers.append(("Content-Type", FORM))
        return self._outbound.send(
            OutboundRequest(
                url=f"{self._base}{path}",
                method=method,
                headers=tuple(headers),
                body=body,
                timeouts=timeouts or self._timeouts,
                max_body_bytes=max_body_bytes,
            )
        )


def _check(sid: str) -> str:
    """Raises ValueError: an id goes into a path."""
    if not SID.fullmatch(sid):
        raise ValueError("this is no id of a carrier")
    return sid


def _is_missing(result: OutboundResult) -> bool:
    return result.status == HTTPStatus.NOT_FOUND


def _read_shift(result: OutboundResult, at: datetime | None) -> timedelta:
    """How far the carrier's clock is ahead."""
    if at is None:
        return timedelta()
    try:
        shift = parsedate_to_datetime(result.find_header("date")) - at
    except (ValueError, TypeError, IndexError, OverflowError):
        return timedelta()
    return shift if abs(shift) >= LEAST_CLOCK_SHIFT else timedelta()


def _read_one(result: OutboundResult, sid: str) -> CallSeen:
    """Raises CarrierUnavailable."""
    call = read_call(read_object(_require_answer(result)))
    if call is None:
        raise _unavailable(result)
    if call.sid != sid:
        raise CarrierUnavailable(Problem.BAD_ANSWER, OTHER_CALL)
    return call


def _require_answer(result: OutboundResult) -> OutboundResult:
    """Raises CarrierUnavailable."""
    if result.failure is not None or result.status is None or not 200 <= result.status < 300:
        raise _unavailable(result)
    return result


def _unavailable(result: OutboundResult) -> CarrierUnavailable:
    return CarrierUnavailable(
        _name_problem(result), find_code(result), retry_after_seconds=read_retry_after(result)
    )


def _name_problem(result: OutboundResult) -> Problem:
    if result.status is not None and is_refusal(result.status):
        return name_refusal(result.status, find_code(result))
    if result.status is not None and result.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Problem.CARRIER_FAILED
    return name_failure(result)
