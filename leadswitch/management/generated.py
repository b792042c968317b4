"""Writes the generated files of commands, and reads the addresses that go into them."""

from argparse import ArgumentTypeError
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from django.core.management.base import CommandError, OutputWrapper


def find_changed(texts: Mapping[Path, str]) -> list[Path]:
    """Return the files that are missing or have another text."""
    return [path for path, text in texts.items() if not path.exists() or path.read_text() != text]


def write_changed(out: OutputWrapper, texts: Mapping[Path, str]) -> None:
    """Write the files that differ, and name each. Raises CommandError if a file cannot be written."""
    try:
        changed = find_changed(texts)
        for path in changed:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[path])
            out.write(f"Wrote {path}")
    except OSError as error:
        message = f"{error.filename} cannot be written: {error.strerror}"
        raise CommandError(message, returncode=2) from error
    if not changed:
        out.write("Nothing changed.")


def url_argument(text: str) -> str:
    """The type of an argument that is an address. Raises ArgumentTypeError."""
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname or " " in text:
        message = f"{text!r} is not a URL such as https://leads.example.com"
        raise ArgumentTypeError(message)
    return text
