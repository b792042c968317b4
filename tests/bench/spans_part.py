"""Distributed traces: a worker with them and one without run the same messages in turns."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.bench.children import Child, start_children
from tests.bench.engine_part import WrongRows
from tests.bench.numbers import Spread, ratios
from tests.bench.plan import WAITING_BUYERS, Plan
from tests.support.processes import pipe, started

Progress = Callable[[str], None]

OFF: Final = "off"
ON: Final = "on"
# Short turns: what disturbs the machine for seconds then affects both sides alike.
TURNS_A_ROUND: Final = 5
FIGURES: Final = ("leads_per_second", "cpu_ms_a_lead")


def count_steps(plan: Plan) -> int:
    """How often `measure_spans` reports progress."""
    return 2 * plan.rounds * TURNS_A_ROUND


@contextmanager
def start_traced_child(*, database_url: str, directory: Path) -> Iterator[Child]:
    """Start a worker that exports its spans to a receiver of its own."""
    spans = directory / "spans.jsonl"
    spans.unlink(missing_ok=True)
    with started("-m", "tests.support.otlp_receiver", str(spans)) as receiver:
        address = f"http://127.0.0.1:{int(pipe(receiver.stdout).readline())}"
        with start_children(
            1,
            database_url=database_url,
            log=directory / "traced-worker.log",
            OTEL_EXPORTER_OTLP_ENDPOINT=address,
        ) as [child]:
            child.ask("begin_spans")
            yield child


def measure_spans(
    plan: Plan, children: Sequence[Child], *, database_url: str, directory: Path, progress: Progress
) -> Mapping[str, Any]:
    """Needs the pool of WAITING_BUYERS. In each pair of turns the other one begins."""
    leads = max(1, plan.retries // TURNS_A_ROUND)
    with start_traced_child(database_url=database_url, directory=directory) as traced:
        workers = {OFF: children[0], ON: traced}
        traced.ask("join", size=WAITING_BUYERS, pool=children[0].ask("describe_pool", size=WAITING_BUYERS))
        answers: dict[str, list[Mapping[str, float]]] = {OFF: [], ON: []}
        for worker in workers.values():
            _process(worker, children[0], count=plan.warm_up)
        for number in range(plan.rounds * TURNS_A_ROUND):
            for name in (OFF, ON) if number % 2 == 0 else (ON, OFF):
                progress(f"turn {number + 1}: {name}")
                answers[name].append(_process(workers[name], children[0], count=leads))
    return {
        "buyers": WAITING_BUYERS,
        "leads": leads,
        **{name: _summarize(each) for name, each in answers.items()},
        "on_against_off": {figure: _compare(answers, figure) for figure in FIGURES},
    }


def _process(worker: Child, adder: Child, *, count: int) -> Mapping[str, float]:
    """Raises WrongRows if a lead is not sold."""
    ids = adder.ask("add_leads", size=WAITING_BUYERS, count=count)["ids"]
    answer = worker.ask("process", ids=ids)
    rows = adder.ask("count_rows", ids=ids)
    if rows["distributed"] != count:
        message = f"{count} leads were in messages, {rows['distributed']} of them are sold"
        raise WrongRows(message)
    return {
        "leads_per_second": count / (answer["ended"] - answer["started"]),
        "cpu_ms_a_lead": 1000 * answer["cpu_seconds"] / count,
    }


def _summarize(answers: Sequence[Mapping[str, float]]) -> Mapping[str, Any]:
    return {figure: Spread.of([each[figure] for each in answers]).as_json() for figure in FIGURES}


def _compare(answers: Mapping[str, Sequence[Mapping[str, float]]], figure: str) -> Mapping[str, Any]:
    """The ratio of each pair of turns."""
    on, off = ([each[figure] for each in answers[name]] for name in (ON, OFF))
    values = ratios(on, off)
    return {**Spread.of(values).as_json(), "rounds": values}
