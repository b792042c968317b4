"""One spelling for texts that are written to evade a check, or on another keyboard. Pure."""

import unicodedata
from typing import Final
from urllib.parse import unquote

# Accents, and characters that are not seen.
DROPPED: Final = frozenset({"Mn", "Cf"})


def make_plain(text: str) -> str:
    """Lower case without accents; full-width and other digits and signs as in ASCII; percent encoding decoded."""
    if "%" in text:
        text = unquote(text)
    if not text.isascii():
        text = "".join(map(_make_plain_character, unicodedata.normalize("NFKD", text)))
    return text.casefold()


def _make_plain_character(character: str) -> str:
    if unicodedata.category(character) in DROPPED:
        return ""
    digit = unicodedata.decimal(character, None)
    return character if digit is None else str(digit)
