"""What a failure says of a value that a sender sent: enough to see why, however long the value is.

Each buyer that refuses a lead says it. A list of a megabyte and a few hundred buyers made a trace that could not be
written, after minutes with the lead's and the buyers' locks.
"""

from typing import Any, Final

MOST_ITEMS: Final = 10
MOST_TEXT: Final = 200
MOST_ITEM_TEXT: Final = 50


def shorten(value: Any, *, most: int = MOST_TEXT) -> Any:
    """The value; of a long text the beginning, of a long list the first items and how many more there are."""
    if isinstance(value, str):
        return value if len(value) <= most else f"{value[:most]}…"
    if isinstance(value, list | tuple):
        shown = [shorten(each, most=MOST_ITEM_TEXT) for each in value[:MOST_ITEMS]]
        hidden = len(value) - MOST_ITEMS
        return [*shown, f"and {hidden:,} more"] if hidden > 0 else shown
    return value
