"""The parts of a lead's wait, each with its target: lock, rules, completion, and the whole way from its sender."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.bench.children import Child, child_environment
from tests.bench.numbers import percentile
from tests.bench.plan import WAITING_BUYERS, Plan
from tests.bench.servers import run_worker, serve_product
from tests.bench.wakes import forget_wakes

Progress = Callable[[str], None]

# The stage, what it covers, and its limit for 95 % of the leads.
TARGETS_MS: Final = {
    "lock": ("the lead's row lock", 50),
    "rules": ("all rules asked, the wait for leads of the same person, the look for duplicates", 100),
    "complete": ("from the first closing write to the return: close, trace, commit, log", 200),
    "end to end": ("from the sender's request until it is seen to be sold by a worker", 2000),
}


def count_steps(plan: Plan) -> int:  # noqa: ARG001 - every part has one
    """How often `measure_targets` reports progress."""
    return 2


def measure_targets(
    plan: Plan, children: Sequence[Child], *, database_url: str, directory: Path, progress: Progress
) -> Mapping[str, Any]:
    """Needs the pool of WAITING_BUYERS."""
    progress("stages of an attempt")
    child = children[0]
    child.ask("add_rules", size=WAITING_BUYERS, count=max(plan.rule_counts))
    times = dict(child.ask("time_stages", size=WAITING_BUYERS, count=plan.retries))
    progress("end to end: web server, broker and worker")
    key = child.ask("issue_pool_key", size=WAITING_BUYERS)["key"]
    with (
        forget_wakes(),
        serve_product(database_url, directory=directory) as port,
        run_worker(child_environment(database_url, role="worker"), directory=directory),
    ):
        child.ask("time_way", size=WAITING_BUYERS, port=port, key=key, count=plan.warm_up)
        times["end to end"] = child.ask("time_way", size=WAITING_BUYERS, port=port, key=key, count=plan.ways)[
            "times"
        ]
    return {"stages": [_stage(name, times[name]) for name in TARGETS_MS]}


def _stage(name: str, times_ms: Sequence[float]) -> Mapping[str, Any]:
    covers, target_ms = TARGETS_MS[name]
    p95_ms = percentile(times_ms, 95)
    return {
        "stage": name,
        "covers": covers,
        "leads": len(times_ms),
        "p50_ms": percentile(times_ms, 50),
        "p95_ms": p95_ms,
        "target_ms": target_ms,
        "times_below": target_ms / p95_ms,
    }
