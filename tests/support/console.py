"""The output for tables of programs beside the tests."""

from typing import Any, Final

from rich.console import Console

PLAIN_WIDTH: Final = 118


def make_console(stream: Any) -> Console:
    """A terminal decides its own width and colors; a file gets plain text of a fixed width."""
    if stream.isatty():
        return Console(file=stream)
    return Console(file=stream, width=PLAIN_WIDTH, no_color=True, highlight=False, emoji=False)
