"""Reads the query parameters of lists. A wrong value is a 400 that names the parameter."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

from rest_framework.request import Request

from distribution.models import Buyer
from distribution.queries import Period
from routing.access.cursor import BadCursor, unseal
from routing.api.keyview import not_found
from routing.api.parameters import read_count, wrong_parameter
from routing.calendar.zones import load_zone, start_of_day
from tracing.parsing import parse_uuid

PAGE: Final = 50
LARGEST_PAGE: Final = 200


def read_limit(request: Request) -> int:
    return read_count(request, "limit", default=PAGE, most=LARGEST_PAGE)


def read_cursor(request: Request, *, purpose: str) -> int | None:
    text = request.query_params.get("cursor")
    if text is None:
        return None
    try:
        return unseal(text, purpose=purpose)
    except BadCursor:
        raise wrong_parameter(
            "cursor", "must be the next_cursor of this list; leave it out for the first page"
        ) from None


def read_since(request: Request, *, purpose: str, begin: Callable[[datetime], int]) -> int:
    """The position of the `next_since` of an earlier answer. `begin`: the position for a time, to begin with."""
    text = request.query_params["since"]
    try:
        return unseal(text, purpose=purpose)
    except BadCursor:
        pass
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError
        return begin(at.astimezone(UTC))
    except (ValueError, OverflowError):
        message = "must be the next_since of this list, or a time to begin with, such as 2026-01-31T12:00:00Z"
        raise wrong_parameter("since", message) from None


def read_choice(request: Request, name: str, choices: Iterable[str]) -> str | None:
    text = request.query_params.get(name)
    known = list(choices)
    if text is not None and text not in known:
        raise wrong_parameter(name, f"must be one of {', '.join(known)}")
    return text


def read_choices(request: Request, name: str, choices: Iterable[str]) -> tuple[str, ...]:
    """Several, separated by commas."""
    text = request.query_params.get(name)
    named = () if text is None else tuple(text.split(","))
    known = list(choices)
    if not set(named) <= set(known):
        raise wrong_parameter(name, f"must be one or more of {', '.join(known)}, separated by commas")
    return named


def read_public_id(request: Request, name: str, *, what: str) -> UUID | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    public_id = parse_uuid(text)
    if public_id is None:
        raise wrong_parameter(name, f"must be the public id of {what}, a UUID")
    return public_id


def find_buyer(public_id: UUID, *, workspace_id: int) -> Buyer:
    """A buyer of another workspace is not found."""
    buyer = Buyer.objects.filter(public_id=public_id, workspace_id=workspace_id).first()
    if buyer is None:
        raise not_found()
    return buyer


def read_period(request: Request) -> Period:
    """Read `from` and `to`. `to` is not included."""
    period = Period(_read_moment(request, "from"), _read_moment(request, "to"))
    if period.starts_at and period.ends_at and period.ends_at <= period.starts_at:
        raise wrong_parameter("to", "must be later than `from`")
    return period


def read_day(request: Request, *, timezone: str) -> Period:
    """Read `day`, a date in the buyer's time zone."""
    text = request.query_params.get("day")
    if text is None:
        return Period()
    try:
        day = date.fromisoformat(text)
        zone = load_zone(timezone)
        return Period(start_of_day(day, zone=zone), start_of_day(day + timedelta(days=1), zone=zone))
    except (ValueError, OverflowError):
        raise wrong_parameter("day", "must be a date such as 2026-01-31") from None


def _read_moment(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        message = "must be a time with its UTC offset, such as 2026-01-31T12:00:00Z (a + is written %2B)"
        raise wrong_parameter(name, message) from None
