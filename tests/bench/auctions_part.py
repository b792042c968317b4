"""Auctions: how much later than the slowest bid the lead is sold."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.bench.children import Child, child_environment
from tests.bench.numbers import percentile
from tests.bench.plan import Plan
from tests.bench.servers import run_deliverer
from tests.receivers import Receiver, start_receiver

Progress = Callable[[str], None]

BIDDERS: Final = 20
# What the buyers' systems take, in ms: 10, 20 ... 200. The slowest one is a bid as well.
STEP_MS: Final = 10


def measure_auctions(
    plan: Plan, child: Child, *, database_url: str, directory: Path, progress: Progress
) -> Mapping[str, Any]:
    """`child`: a worker of offers."""
    environment = {
        **child_environment(database_url, role="worker"),
        "LEADSWITCH_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    file = directory / "asked.jsonl"
    file.unlink(missing_ok=True)
    with start_receiver(file) as receiver, run_deliverer(environment, directory=directory):
        child.ask("wait_for_deliverer")
        return _time_auctions(plan, child, receiver, progress=progress)


def _time_auctions(plan: Plan, child: Child, receiver: Receiver, *, progress: Progress) -> Mapping[str, Any]:
    urls = [receiver.url(f"bid/{10 + place}.00/{STEP_MS * (place + 1)}") for place in range(BIDDERS)]
    progress("auctions: warm-up")
    child.ask("time_auctions", urls=urls, count=plan.warm_up)
    progress("auctions")
    times = child.ask("time_auctions", urls=urls, count=plan.posts)["auctions"]
    return describe_auctions(times, slowest_ms=STEP_MS * BIDDERS)


def describe_auctions(times: Sequence[Mapping[str, float]], *, slowest_ms: float) -> Mapping[str, Any]:
    """`over_own`: beyond the time that the slowest buyer's system takes. `over_bid`: beyond its bid as measured."""
    totals = [each["total_ms"] for each in times]
    over_bid = [each["total_ms"] - each["slowest_ms"] for each in times]
    return {
        "auctions": len(times),
        "bidders": BIDDERS,
        "slowest_ms": slowest_ms,
        "total": _spread(totals),
        "over_own": _spread([each - slowest_ms for each in totals]),
        "over_bid": _spread(over_bid),
    }


def _spread(values: Sequence[float]) -> Mapping[str, float]:
    return {f"p{each}_ms": percentile(values, each) for each in (50, 95)}
