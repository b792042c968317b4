"""Parses input: ids without raising, arguments of commands with an error that says why."""

from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Final
from uuid import UUID

LONGEST_ID: Final = 18  # digits that always fit a bigint
MAX_POSTGRES_INTEGER: Final = 2**31 - 1  # the largest integer of PostgreSQL


def parse_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def parse_id(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_ID else None


def parse_text(text: str) -> str | None:
    """A text that PostgreSQL can compare with: not blank, without NUL."""
    return text if text and "\x00" not in text else None


def number_argument(*, lowest: int, highest: int = MAX_POSTGRES_INTEGER) -> Callable[[str], int]:
    """Make the type of a command's argument that is a whole number in a range, both ends included.

    The type raises ArgumentTypeError.
    """

    def parse(text: str) -> int:
        number = parse_id(text)
        if number is None or not lowest <= number <= highest:
            shown = text if len(text) <= LONGEST_ID else f"{text[:LONGEST_ID]}…"
            message = f"{shown!r} is not a whole number from {lowest} to {highest}"
            raise ArgumentTypeError(message)
        return number

    return parse


# Counts something.
positive_argument: Final = number_argument(lowest=1)
