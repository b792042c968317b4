"""Writes the generated files of commands, and reads the addresses that go into them."""

from argparse import ArgumentTypeError
from collections.abc import Mapping
from pathlib import Path

from django.core.management.base import CommandError, OutputWrapper

from leadswitch.env.parse import BadURL, check_http_url


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
    """The type of an argument that is a URL. Raises ArgumentTypeError, which does not quote it."""
    try:
        check_http_url(text)
    except BadURL as error:
        message = f"{error}. Use a URL such as https://leads.example.com"
        raise ArgumentTypeError(message) from None
    return text
