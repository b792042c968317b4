"""Retries per minute: the retry queue is filled with due leads, and workers empty it in due order."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.bench.children import Child
from tests.bench.engine_part import WrongRows
from tests.bench.numbers import Spread
from tests.bench.plan import WAITING_BUYERS, Plan

Progress = Callable[[str], None]


def count_steps(plan: Plan) -> int:
    """How often `measure_retries` reports progress."""
    return plan.rounds * len(plan.worker_counts)


def measure_retries(plan: Plan, children: Sequence[Child], *, progress: Progress) -> Mapping[str, Any]:
    """Needs the pool of WAITING_BUYERS. No other lead may be due."""
    _drain(children, count=plan.warm_up * len(children))
    runs = []
    for workers in plan.worker_counts:
        rates = []
        for number in range(plan.rounds):
            progress(f"{workers} worker(s), round {number + 1}")
            rates.append(_drain(children[:workers], count=plan.retries))
        runs.append({"workers": workers, "retries_a_minute": Spread.of(rates).as_json(), "rounds": rates})
    return {"buyers": WAITING_BUYERS, "leads": plan.retries, "runs": runs}


def _drain(children: Sequence[Child], *, count: int) -> float:
    """Return retries per minute. Raises WrongRows if a lead of the queue is not sold."""
    ids = children[0].ask("add_retries", size=WAITING_BUYERS, count=count)["ids"]
    for child in children:
        child.send("drain")
    answers = [child.receive() for child in children]
    rows = children[0].ask("count_rows", ids=ids)
    if rows["distributed"] != count:
        message = f"{count} retries were due, {rows['distributed']} of them are sold"
        raise WrongRows(message)
    seconds: float = max(each["ended"] for each in answers) - min(each["started"] for each in answers)
    return 60 * count / seconds
