"""Lists of calls, filtered and in pages. Newest first. Pure."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from tests.carrier.accounts import Refused
from tests.carrier.calls import PlacedCall
from tests.carrier.records import Pairs

LARGEST_PAGE: Final = 1000
USUAL_PAGE: Final = 50


def _read_time(value: str) -> float:
    """Raises Refused."""
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"):
        try:
            return datetime.strptime(value, form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    raise Refused(20001, value)


def _is_from(at: float | None, value: str) -> bool:
    """A call that has not been dialed has no time, so it is never found by one."""
    return at is not None and int(at) >= _read_time(value)


def _is_until(at: float | None, value: str) -> bool:
    return at is not None and int(at) <= _read_time(value)


FILTERS: Final[Mapping[str, Callable[[PlacedCall, str], bool]]] = {
    "To": lambda call, value: call.to == value,
    "From": lambda call, value: call.from_number == value,
    "Status": lambda call, value: call.status == value,
    "StartTime>": lambda call, value: _is_from(call.started_at, value),
    "StartTime<": lambda call, value: _is_until(call.started_at, value),
    "EndTime>": lambda call, value: _is_from(call.ended_at, value),
    "EndTime<": lambda call, value: _is_until(call.ended_at, value),
}
PAGING: Final = ("PageSize", "Page", "PageToken")


def list_calls(calls: Iterable[PlacedCall], query: Pairs, *, path: str) -> dict[str, Any]:
    """Return a page. `path`: of the list, for the links to other pages. Raises Refused."""
    asked = dict(query)
    if unknown := asked.keys() - FILTERS.keys() - set(PAGING):
        raise Refused(20001, min(unknown))
    found = sorted(calls, key=lambda call: -call.number)
    for name, matches in FILTERS.items():
        if name in asked:
            found = [call for call in found if matches(call, asked[name])]
    size = min(int(asked.get("PageSize", USUAL_PAGE)), LARGEST_PAGE)
    page = int(asked.get("Page", 0))
    filters = {name: value for name, value in asked.items() if name in FILTERS}
    return _write_page(found, filters, path=path, size=size, page=page)


def _write_page(
    found: list[PlacedCall], filters: Mapping[str, str], *, path: str, size: int, page: int
) -> dict[str, Any]:
    def link(number: int) -> str:
        return f"{path}?{urlencode({**filters, 'PageSize': size, 'Page': number})}"

    shown = found[page * size : (page + 1) * size]
    return {
        "calls": [call.describe() for call in shown],
        "first_page_uri": link(0),
        "previous_page_uri": link(page - 1) if page else None,
        "next_page_uri": link(page + 1) if (page + 1) * size < len(found) else None,
        "uri": link(page),
        "page": page,
        "page_size": size,
        "start": page * size,
        "end": page * size + max(0, len(shown) - 1),
    }
