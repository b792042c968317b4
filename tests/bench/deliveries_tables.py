"""The deliveries of the report as tables."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich import box
from rich.table import Table

from tests.bench.cells import show_spread, start_table


def show_deliveries(deliveries: Mapping[str, Any], look: box.Box) -> Iterator[Table]:
    yield _speed(deliveries["speed"], look)
    yield _direct_post(deliveries["direct_post"], look)
    yield _hanging(deliveries["hanging"], look)


def _speed(speed: Mapping[str, Any], look: box.Box) -> Table:
    table = start_table(
        f"Deliveries of one deliverer: {speed['messages']} messages a round to one receiver", look
    )
    for name in ("sender", "messages/s", "LeadSwitch against it"):
        table.add_column(name, justify="left" if name == "sender" else "right")
    for name, title in (("product", "LeadSwitch"), ("httpx", "plain httpx loop")):
        ratio = show_spread(speed["product_against_httpx"], digits=2) if name == "httpx" else ""
        table.add_row(title, show_spread(speed["senders"][name]), ratio)
    return table


def _direct_post(direct_post: Mapping[str, Any], look: box.Box) -> Table:
    table = start_table(
        f"Direct posts, one at a time: {direct_post['posts']}, from the hold to the sale", look
    )
    for name in ("", "p50 ms", "p95 ms"):
        table.add_column(name, justify="right" if name else "left")
    for name, times in {**direct_post["times"], "added": direct_post["added"]}.items():
        table.add_row(name, *(f"{times[each]:.2f}" for each in ("p50_ms", "p95_ms")))
    return table


def _hanging(hanging: Mapping[str, Any], look: box.Box) -> Table:
    table = start_table(
        f"Other endpoints beside one that hangs: {hanging['messages']} messages a turn,"
        f" {hanging['per_second']:g} a second, from commit to end",
        look,
    )
    for name in ("", "p50 ms", "p95 ms", "p99 ms"):
        table.add_column(name, justify="right" if name else "left")
    for name, medians in hanging["medians"].items():
        table.add_row(
            name, *(show_spread(medians[each], digits=1) for each in ("p50_ms", "p95_ms", "p99_ms"))
        )
    return table
