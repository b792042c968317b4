"""Which values a text shows. A random id or a timestamp may contain a short value by chance."""

import re
from collections.abc import Iterable
from typing import Final

LONG: Final = 9  # characters: no random id contains such a value by chance


def find_shown(values: Iterable[str], text: str) -> list[str]:
    """Return the values that the text contains, in any case.

    A short value counts only as a whole word: not within a longer run of letters and digits.
    """
    return [value for value in values if re.search(_pattern(value), text, re.IGNORECASE)]


def _pattern(value: str) -> str:
    escaped = re.escape(value)
    return escaped if len(value) >= LONG else rf"(?<![^\W_]){escaped}(?![^\W_])"
