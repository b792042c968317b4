"""Parses input: ids without raising, arguments of commands with an error that says why."""

from argparse import ArgumentTypeError
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


def positive_argument(text: str) -> int:
    """The type of a command's argument that counts something. Raises ArgumentTypeError."""
    number = parse_id(text)
    if number is None or not 1 <= number <= MAX_POSTGRES_INTEGER:
        shown = text if len(text) <= LONGEST_ID else f"{text[:LONGEST_ID]}…"
        message = f"{shown!r} is not a whole number from 1 to {MAX_POSTGRES_INTEGER}"
        raise ArgumentTypeError(message)
    return number
