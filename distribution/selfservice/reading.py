"""Reads the values of a change strictly: a number is no text, and true is no number. Pure."""

from datetime import UTC, datetime
from typing import Any, Final

from routing.values.normalize import FieldError, normalize_email, normalize_phone, normalize_text

LARGEST: Final = 2**63 - 1
MOST_CENTS: Final = 1_000_000_000


def read_count(value: object) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= LARGEST:
        raise FieldError("invalid", "must be a whole number of at least 0, or null")
    return value


def read_cents(value: object) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= LARGEST:
        raise FieldError("invalid", "must be a whole number of cents of at least 0, or null")
    return value


def read_bid_cents(value: object) -> int | None:
    """A price of 0 would be a gift of the agency."""
    cents = read_cents(value)
    if cents == 0:
        raise FieldError("invalid", "must be at least 1 cent, or null")
    return cents


def read_limit_cents(value: object) -> int | None:
    """A limit for a notice, at most what the admin's form takes."""
    cents = read_cents(value)
    if cents is not None and cents > MOST_CENTS:
        raise FieldError("invalid", f"must be at most {MOST_CENTS:,} cents")
    return cents


def read_object(value: object) -> dict[str, Any]:
    """Null stands for an empty object."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise FieldError("invalid_type", "must be an object")
    return value


def read_list(value: object) -> list[Any]:
    """Null stands for an empty list."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise FieldError("invalid_type", "must be a list")
    return value


def read_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise FieldError("invalid_type", "must be true or false")
    return value


def read_line(value: object) -> str:
    """One line of text. Null and blank are the same."""
    return "" if value is None else normalize_text(value, max_length=1_000) or ""


def read_required_line(value: object) -> str:
    text = read_line(value)
    if not text:
        raise FieldError("required", "is required")
    return text


def read_email(value: object) -> str:
    return "" if value is None else normalize_email(value) or ""


def read_phone(value: object) -> str:
    return "" if value is None else normalize_phone(value) or ""


def read_moment(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise FieldError("invalid", "must be a time with its UTC offset, such as 2026-01-31T12:00:00Z, or null")
