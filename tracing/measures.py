"""What a failing gate required and what it observed, each short enough for a cell of a table. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from tracing import wording
from tracing.gates import Obstacle


def name_measures(obstacle: Obstacle) -> tuple[str, str]:
    """Required and observed in words. Never raises for odd data."""
    name = MEASURES.get(obstacle.gate, _plain)
    try:
        return name(obstacle.required, obstacle.observed)
    except (LookupError, TypeError, ValueError, AttributeError):
        return _plain(obstacle.required, obstacle.observed)


def _plain(required: Any, observed: Any) -> tuple[str, str]:
    return _text(required), _text(observed)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(
            f"{wording.field_name(str(name))}: {wording.value(each)}" for name, each in value.items()
        )
    return wording.value(value)


def _area(required: Any, observed: Any) -> tuple[str, str]:
    return str(required), wording.place(observed)


def _filter(required: Any, observed: Any) -> tuple[str, str]:
    return str(required), _text(observed) or "nothing that fits"


def _hours(required: Any, observed: Any) -> tuple[str, str]:
    windows = wording.opening(required["open"]) if required["open"] else "closed"
    day, seen = wording.WEEKDAYS[required["day"]], wording.WEEKDAYS[observed["day"]]
    return f"{day} {windows}", f"{seen} {observed['time']} {observed['timezone']}"


def _caps(required: Any, observed: Any) -> tuple[str, str]:
    limits = [_amount(name, limit, "up to") for name, limit in required.items()]
    return ", ".join(limits), ", ".join(_amount(name, used, "") for name, used in observed.items())


def _amount(name: str, amount: int, prefix: str) -> str:
    """ "cents per day", 2500: "$25.00 per day"."""
    kind, _, period = name.partition(" ")
    text = f"{wording.money(amount)} {period}" if kind == "cents" else f"{amount:,} {name}"
    return f"{prefix} {text}".strip()


def _credits(required: Any, observed: Any) -> tuple[str, str]:
    return wording.money(required), wording.money(observed)


def _has_lead(_required: Any, _observed: Any) -> tuple[str, str]:
    return "not sold to it before", "sold to it before"


MEASURES: Final[Mapping[str, Callable[[Any, Any], tuple[str, str]]]] = {
    "outside_service_area": _area,
    "lead_filter_rejected": _filter,
    "outside_buyer_hours": _hours,
    "cap_reached": _caps,
    "insufficient_credits": _credits,
    "already_has_lead": _has_lead,
}
