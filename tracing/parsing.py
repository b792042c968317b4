"""Parses input: ids without raising, arguments of commands with an error that says why."""

from argparse import ArgumentTypeError
from typing import Final
from uuid import UUID

LONGEST_ID: Final = 18  # digits that always fit a bigint


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


def positive_argument(text: str) -> int:
    """The type of a command's argument that counts something. Raises ArgumentTypeError."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        message = f"{text!r} is not a whole number above 0"
        raise ArgumentTypeError(message)
    return int(text)
