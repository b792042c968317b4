"""Reads what a person or program typed as a row's id, without raising."""

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
