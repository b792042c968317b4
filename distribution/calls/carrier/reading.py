"""Reads the answers of a carrier. Pure. What is missing or has another form is None or blank, and never an error."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any, Final

from distribution.calls.carrier.values import AccountSeen, CallSeen
from distribution.deliveries.outbound import OutboundResult

# Twilio's ids are CA and 32 hexadecimal digits. Other carriers of this API use UUIDs.
SID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{9,63}")
CODE: Final = re.compile(r"[A-Za-z0-9_-]{1,20}")
# A word of the carrier, such as in-progress or machine_start. PostgreSQL stores it.
WORD: Final = re.compile(r"[A-Za-z][A-Za-z_-]{0,29}")
CURRENCY: Final = re.compile(r"[A-Za-z]{3}")
NUMBER: Final = re.compile(r"[0-9]{1,9}")
TIME: Final = re.compile(r"[ -~]{1,40}")
# What can be in a request line.
PATH: Final = re.compile(r"/(?!/)[!-~]{0,4000}")


def read_object(result: OutboundResult) -> Mapping[str, Any]:
    """Return the JSON object of the answer. Empty if it is none."""
    if result.is_body_cut:
        return {}
    try:
        found = json.loads(result.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def read_code(body: Mapping[str, Any]) -> str:
    """The carrier's error code as text, such as 21211."""
    code = body.get("code")
    text = str(code) if isinstance(code, int | str) and not isinstance(code, bool) else ""
    return text if CODE.fullmatch(text) else ""


def read_call(body: Mapping[str, Any]) -> CallSeen | None:
    """None if the object has no id of a call."""
    sid = _read_text(SID, body, "sid")
    if not sid:
        return None
    return CallSeen(
        sid=sid,
        status=_read_text(WORD, body, "status"),
        to=_read_address(body, "to"),
        from_number=_read_address(body, "from"),
        answered_by=_read_text(WORD, body, "answered_by"),
        created_at=_read_time(body, "date_created"),
        started_at=_read_time(body, "start_time"),
        ended_at=_read_time(body, "end_time"),
        duration_seconds=_read_number(body, "duration"),
        price=_read_price(body),
        currency=_read_text(CURRENCY, body, "price_unit").upper(),
    )


def read_account(body: Mapping[str, Any]) -> AccountSeen:
    return AccountSeen(status=_read_text(WORD, body, "status"), kind=_read_text(WORD, body, "type"))


def read_calls(body: Mapping[str, Any]) -> list[CallSeen] | None:
    """The calls of one page of a list, as the carrier orders them. None if the object is no such page."""
    listed = body.get("calls")
    if not isinstance(listed, list):
        return None
    calls = [read_call(each) if isinstance(each, dict) else None for each in listed]
    found = [call for call in calls if call is not None]
    return found if len(found) == len(listed) else None


def read_next_page(body: Mapping[str, Any]) -> str | None:
    """The path and query of the next page of a list. Blank on the last page. None: there is one that is no path."""
    path = body.get("next_page_uri") or ""
    return path if isinstance(path, str) and (not path or PATH.fullmatch(path)) else None


def read_queue_ms(body: Mapping[str, Any]) -> int:
    return _read_number(body, "queue_time") or 0


def _read_text(form: re.Pattern[str], body: Mapping[str, Any], name: str) -> str:
    """Blank if it is missing or is something else."""
    value = body.get(name)
    return value if isinstance(value, str) and form.fullmatch(value) else ""


def _read_address(body: Mapping[str, Any], name: str) -> str:
    """A number, or another text as it is: what cannot be read as a number is not left out. Compared, never stored."""
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _read_number(body: Mapping[str, Any], name: str) -> int | None:
    """Carriers write numbers as text."""
    value = body.get(name)
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return int(text) if NUMBER.fullmatch(text) else None


def _read_time(body: Mapping[str, Any], name: str) -> datetime | None:
    """RFC 2822, in seconds."""
    try:
        found = parsedate_to_datetime(_read_text(TIME, body, name))
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _read_price(body: Mapping[str, Any]) -> Decimal | None:
    value = body.get("price")
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    try:
        price = Decimal(str(value))
    except InvalidOperation:
        return None
    return price if price.is_finite() and abs(price) < 10_000 else None
