"""The auctions of the report as a table."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich import box
from rich.table import Table

from tests.bench.cells import start_table

ROWS: Final = (
    ("total", "from opening to sale"),
    ("over_own", "beyond the slowest system's own time"),
    ("over_bid", "beyond the slowest bid as measured"),
)


def show_offers(offers: Mapping[str, Any], look: box.Box) -> Iterator[Table]:
    auction = offers["auction"]
    table = start_table(
        f"Auctions of {auction['bidders']} buyers, one at a time: {auction['auctions']}; the slowest system takes"
        f" {auction['slowest_ms']:g} ms",
        look,
    )
    for name in ("", "p50 ms", "p95 ms"):
        table.add_column(name, justify="right" if name else "left")
    for name, title in ROWS:
        table.add_row(title, *(f"{auction[name][each]:.1f}" for each in ("p50_ms", "p95_ms")))
    yield table
