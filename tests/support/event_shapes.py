"""Whether recorded events have the shape that the vocabulary gives them."""

from collections.abc import Iterable
from typing import Any

from tracing.plainvalues import AS_TEXT
from tracing.vocabulary import EVENT_SHAPES, Event


def misshapen(events: Iterable[Any]) -> list[str]:
    """Name the events whose data has other keys, or that have a buyer where they should not, or lack one."""
    return [f"{each.event}: {sorted(each.data)}" for each in events if not _fits(each)]


def _fits(event: Any) -> bool:
    shape = EVENT_SHAPES[Event(event.event)]
    keys = set(event.data) - {AS_TEXT}
    has_buyer = event.buyer_id is not None
    return shape.required <= keys <= shape.required | shape.optional and shape.is_of_buyer == has_buyer
