"""Pings over HTTP: what a source waits for a price, by the number of enrolled buyers. One request at a time."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from rich import box
from rich.table import Table

from tests.bench.cells import start_table
from tests.bench.children import Child
from tests.bench.intake_part import send_all
from tests.bench.numbers import percentile
from tests.bench.plan import Plan
from tests.bench.servers import WEB_WORKERS, serve_product

Progress = Callable[[str], None]

LIMITS: Final = {"LEADSWITCH_PINGS_PER_MINUTE": "1000000", "LEADSWITCH_PING_BURST": "100000"}


def count_steps(plan: Plan) -> int:
    """How often `measure_pings` reports progress."""
    return 1 + len(plan.ping_sizes)


def measure_pings(
    plan: Plan, child: Child, *, database_url: str, directory: Path, progress: Progress
) -> Mapping[str, Any]:
    """Needs a database without pools of these sizes."""
    progress("starting a web server")
    sizes = []
    with serve_product(database_url, directory=directory, **LIMITS) as port:
        for size in plan.ping_sizes:
            progress(f"{size} buyers")
            pool = child.ask("build", size=size)
            child.ask("analyze")
            key = child.ask("issue_contract_key", size=size)["key"]
            sizes.append(_measure_size(plan, size, port=port, key=key, vertical=pool["vertical"]))
    return {"web_workers": WEB_WORKERS, "sizes": sizes}


def _measure_size(plan: Plan, size: int, *, port: int, key: str, vertical: str) -> Mapping[str, Any]:
    job = {
        "port": port,
        "path": "/api/v1/pings/",
        "headers": {"Authorization": f"Api-Key {key}"},
    }
    ping = {
        "zip": "30312",
        "vertical": vertical,
        "attributes": {"roof_age": 12, "property_type": "residential", "stories": 2, "own_home": True},
        "consent": {"token": "cert-{number}"},
    }
    send_all(job, body=json.dumps(ping), requests=5 * plan.warm_up, connections=1)
    answer = send_all(job, body=json.dumps(ping), requests=plan.pings, connections=1)
    return {
        "buyers": size,
        "pings": plan.pings,
        "pings_per_second": plan.pings / answer["seconds"],
        "p50_ms": percentile(answer["latencies_ms"], 50),
        "p95_ms": percentile(answer["latencies_ms"], 95),
    }


def show_pings(pings: Mapping[str, Any], look: box.Box) -> Table:
    table = start_table("Pings over HTTP, one at a time: a price without live bids", look)
    for name in ("buyers", "pings/s", "p50 ms", "p95 ms"):
        table.add_column(name, justify="right")
    for size in pings["sizes"]:
        figures = (f"{size['pings_per_second']:.0f}", f"{size['p50_ms']:.2f}", f"{size['p95_ms']:.2f}")
        table.add_row(f"{size['buyers']:,}", *figures)
    return table
