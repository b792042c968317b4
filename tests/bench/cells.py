"""Parts of the tables."""

from collections.abc import Mapping

from rich import box
from rich.table import Table


def start_table(title: str, look: box.Box) -> Table:
    return Table(title=title, box=look, title_justify="left", title_style="bold")


def show_spread(spread: Mapping[str, float], *, digits: int = 0) -> str:
    low, high = (f"{spread[name]:.{digits}f}" for name in ("min", "max"))
    return f"{spread['median']:.{digits}f} ({low}-{high})"
