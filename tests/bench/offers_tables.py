"""Auctions, claims, listeners and closings of the report as tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich import box
from rich.table import Table

from tests.bench.cells import show_spread, start_table
from tests.bench.plan import BY_HAND, PRODUCT

ROWS: Final = (
    ("total", "from opening to sale"),
    ("over_own", "beyond the slowest system's own time"),
    ("over_bid", "beyond the slowest bid as measured"),
)


KILOBYTE: Final = 1024
LOOP_TITLES: Final = {PRODUCT: "LeadSwitch", BY_HAND: "psycopg by hand"}


def show_offers(offers: Mapping[str, Any], look: box.Box) -> Iterator[Table]:
    yield _auction(offers["auction"], look)
    yield _loops(offers["claim_loops"], look)
    yield _claims(offers["claims"], offers["listening"], look)
    yield _memory(offers["memory"], look)
    yield _closing(offers["closing"], look)
    yield _replays(offers["replays"], look)


def _auction(auction: Mapping[str, Any], look: box.Box) -> Table:
    table = start_table(
        f"Auctions of {auction['bidders']} buyers, one at a time: {auction['auctions']}; the slowest system takes"
        f" {auction['slowest_ms']:g} ms",
        look,
    )
    for name in ("", "p50 ms", "p95 ms"):
        table.add_column(name, justify="right" if name else "left")
    for name, title in ROWS:
        table.add_row(title, *(f"{auction[name][each]:.1f}" for each in ("p50_ms", "p95_ms")))
    return table


def _loops(loops: Mapping[str, Any], look: box.Box) -> Table:
    table = start_table(
        f"Claims in one process, without HTTP: {len(loops['statements'])} statements each", look
    )
    for name in ("loop", "claims/s", "LeadSwitch against it"):
        table.add_column(name, justify="left" if name == "loop" else "right")
    for name, title in LOOP_TITLES.items():
        ratio = show_spread(loops["product_against_by_hand"], digits=2) if name == BY_HAND else ""
        table.add_row(title, show_spread(loops["claims_per_second"][name]), ratio)
    return table


def _claims(claims: Mapping[str, Any], listening: Mapping[str, Any], look: box.Box) -> Table:
    table = start_table(f"Beside {listening['listeners']} listeners of one process of streams", look)
    for name in ("", "a second", "p50 ms", "p95 ms", "p99 ms"):
        table.add_column(name, justify="right" if name else "left")
    table.add_row(
        f"{claims['claims']} claims over HTTP: {claims['web_workers']} gunicorn workers,"
        f" {claims['connections']} connections",
        f"{claims['claims_per_second']:.0f}",
        *(f"{claims[name]:.1f}" for name in ("p50_ms", "p95_ms", "p99_ms")),
    )
    table.add_row(
        f"{listening['openings']} openings: from the commit to each listener",
        f"{listening['per_second']:.0f}",
        f"{listening['p50_ms']:.1f}",
        f"{listening['p95_ms']:.1f}",
        f"{listening['p99_ms']:.1f}",
    )
    return table


def _memory(memory: Mapping[str, Any], look: box.Box) -> Table:
    table = start_table(
        f"Memory of the process of streams: {memory['bytes_a_listener'] / KILOBYTE:.0f} kB for each listener",
        look,
    )
    table.min_width = len(str(table.title)) + 4  # two narrow columns would break the title
    for name in ("listeners", "resident MB"):
        table.add_column(name, justify="right")
    for size in memory["sizes"]:
        table.add_row(f"{size['listeners']:,}", f"{size['resident_bytes'] / KILOBYTE**2:.1f}")
    return table


def _closing(closing: Mapping[str, Any], look: box.Box) -> Table:
    table = start_table(
        f"{closing['closings']} offers that close, {closing['per_second']:g} a second: from the end to the commit",
        look,
    )
    for name in ("p50 ms", "p95 ms", "p99 ms", "greatest ms"):
        table.add_column(name, justify="right")
    table.add_row(*(f"{closing[name]:.1f}" for name in ("p50_ms", "p95_ms", "p99_ms", "max_ms")))
    return table


def _replays(replays: Sequence[Mapping[str, Any]], look: box.Box) -> Table:
    table = start_table("What a buyer's change would have won", look)
    for name in ("change", "missed", "decided again", "won", "SQL statements", "seconds"):
        table.add_column(name, justify="left" if name == "change" else "right")
    for each in replays:
        cells = (f"{each[name]:,}" for name in ("missed", "checked", "won", "statements"))
        table.add_row(each["change"], *cells, f"{each['seconds']:.2f}")
    return table
