"""Shortens an observed value in a failure: enough to see why, however long the value is.

The trace records it for each buyer that refuses a lead. With a list of one megabyte and a few hundred buyers, the trace
could not be written, and the locks of the lead and the buyers were held for minutes.
"""

from typing import Any, Final

MAX_ITEMS: Final = 10
MAX_TEXT: Final = 200
MAX_ITEM_TEXT: Final = 50


def shorten(value: Any, *, most: int = MAX_TEXT) -> Any:
    """Return the value, the start of a long text, or the first items of a long list with the number of the others."""
    if isinstance(value, str):
        return value if len(value) <= most else f"{value[:most]}…"
    if isinstance(value, list | tuple):
        shown = [shorten(each, most=MAX_ITEM_TEXT) for each in value[:MAX_ITEMS]]
        hidden = len(value) - MAX_ITEMS
        return [*shown, f"and {hidden:,} more"] if hidden > 0 else shown
    return value
