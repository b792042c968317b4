"""Reads the bodies of requests about cards, purchases and automatic recharge."""

from collections.abc import Mapping
from typing import Final

from distribution.api.bodies import LARGEST_CENTS, Reader, read_cents
from distribution.models import MOST_TRIES
from routing.values.normalize import FieldError

LONGEST_ID: Final = 255


def _read_required_cents(value: object) -> int:
    cents = read_cents(value)
    if cents is None:
        raise FieldError("required", "is required: a whole number of cents")
    return cents


def _read_setup_id(value: object) -> str:
    if not isinstance(value, str) or not value.isascii() or not 0 < len(value) <= LONGEST_ID:
        raise FieldError("required", "is required: the setup_id that you got")
    return value


def _read_switch(value: object) -> bool | None:
    if value is not None and type(value) is not bool:
        raise FieldError("invalid_type", "must be true or false, or left out")
    return value


def _read_threshold(value: object) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= LARGEST_CENTS:
        raise FieldError("invalid", "must be a whole number of cents, or left out")
    return value


def _read_tries(value: object) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not 1 <= value <= MOST_TRIES:
        raise FieldError("invalid", f"must be a whole number from 1 to {MOST_TRIES}, or left out")
    return value


PURCHASE: Final[Mapping[str, Reader]] = {"amount_cents": _read_required_cents}
SETUP: Final[Mapping[str, Reader]] = {"setup_id": _read_setup_id}
CHANGES: Final[Mapping[str, Reader]] = {
    "is_on": _read_switch,
    "is_paused": _read_switch,
    "threshold_cents": _read_threshold,
    "amount_cents": read_cents,
    "day_limit_cents": read_cents,
    "week_limit_cents": read_cents,
    "month_limit_cents": read_cents,
    "max_tries": _read_tries,
}
