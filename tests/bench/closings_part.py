"""How late offers close: from their end to the commit of the attempt that closes them."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from tests.bench.children import Child, child_environment
from tests.bench.numbers import percentile
from tests.bench.plan import Plan
from tests.bench.servers import run_dispatcher, run_worker
from tests.bench.wakes import forget_wakes

Progress = Callable[[str], None]

BUYERS: Final = 44  # no other part has a pool of this size
PER_SECOND: Final = 20.0


def measure_closings(
    plan: Plan, child: Child, *, database_url: str, directory: Path, progress: Progress
) -> Mapping[str, Any]:
    """`child`: a worker of offers. Offers open at a steady pace, and a dispatcher and a worker close them."""
    progress("closings")
    environment = child_environment(database_url, role="worker")
    with ExitStack() as stack:
        stack.enter_context(forget_wakes())
        stack.enter_context(run_worker(environment, directory=directory))
        stack.enter_context(run_dispatcher(environment, directory=directory))
        child.ask("time_closings", size=BUYERS, count=plan.warm_up, per_second=PER_SECOND)
        answer = child.ask("time_closings", size=BUYERS, count=plan.closings, per_second=PER_SECOND)
    lags_ms = answer["lags_ms"]
    return {
        "closings": plan.closings,
        "per_second": PER_SECOND,
        "early": sum(each < 0 for each in lags_ms),
        **{f"p{each}_ms": percentile(lags_ms, each) for each in (50, 95, 99)},
        "max_ms": max(lags_ms),
    }
