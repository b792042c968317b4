"""How late leads start: due time to the attempt's start, both by the database's clock."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tests.bench.children import Child
from tests.bench.dispatch.plan import CONTENDERS, EVENT, KINDS, Plan
from tests.bench.dispatch.processes import Place, running
from tests.bench.dispatch.waiting import wait_until_none
from tests.bench.numbers import percentile

Progress = Callable[[str], None]

WARM_UP_RATE: Final = 20
LONGEST_WAIT_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.2


def count_steps(plan: Plan) -> int:
    return len(CONTENDERS) * (2 + len(plan.seconds)) + 2


def measure_lags(plan: Plan, child: Child, place: Place, *, progress: Progress) -> Mapping[str, Any]:
    """Measure with the small backlog in the schedule; measure_flatness repeats one rate with the large one."""
    runs: list[Mapping[str, Any]] = []
    shared: list[Mapping[str, Any]] = []
    for contender in CONTENDERS:
        child.ask("use", contender=contender)
        with running(contender, place):
            progress(f"{contender}: warming up")
            _warm_up(plan, child, contender)
            child.ask("analyze")
            for rate, seconds in plan.seconds.items():
                progress(f"{contender}: {rate} leads/s for {seconds:g} s")
                runs.append(
                    {"contender": contender, **_measure(plan, child, contender, rate=rate, seconds=seconds)}
                )
            progress(f"{contender}: beside {plan.piled:,} leads of another workspace")
            shared.append({"contender": contender, **_measure_beside_pile(plan, child, contender)})
    return {"backlog": plan.small_backlog, "runs": runs, "piled": plan.piled, "shared": shared}


def measure_flatness(
    plan: Plan, child: Child, place: Place, *, backlog: int, progress: Progress
) -> Mapping[str, Any]:
    """Measure the product at one rate with `backlog` leads in the schedule."""
    child.ask("use", contender=EVENT)
    with running(EVENT, place):
        progress(f"{backlog:,} scheduled: warming up")
        _warm_up(plan, child, EVENT)
        progress(f"{backlog:,} scheduled: {plan.flat_rate} leads/s")
        seconds = plan.seconds.get(plan.flat_rate, 1.0)
        return {"backlog": backlog, **_measure(plan, child, EVENT, rate=plan.flat_rate, seconds=seconds)}


def _measure_beside_pile(plan: Plan, child: Child, contender: str) -> Mapping[str, Any]:
    """Measure the lags of one workspace while another one of its shard has a pile of due leads."""
    child.ask("pile_up", contender=contender, count=plan.piled)
    result = _measure(plan, child, contender, rate=plan.shared_rate, seconds=plan.shared_seconds)
    wait_until_none(
        lambda: int(child.ask("count_piled")["count"]), seconds=LONGEST_WAIT_SECONDS, every=POLL_SECONDS
    )
    return result


def _measure(plan: Plan, child: Child, contender: str, *, rate: int, seconds: float) -> Mapping[str, Any]:
    sent, took, started = _send(plan, child, contender, rate=rate, seconds=seconds)
    lags: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for lead_id, due, kind in sent:
        lags[kind].append((started[lead_id] - due) * 1000)
    return {
        "rate": rate,
        "sent_a_second": len(sent) / took,
        **{kind: _describe(lags[kind]) for kind in KINDS},
    }


def _describe(lags_ms: Sequence[float]) -> Mapping[str, Any]:
    return {
        "leads": len(lags_ms),
        "early": sum(lag < 0 for lag in lags_ms),
        **{f"p{percent}_ms": percentile(lags_ms, percent) for percent in (50, 95, 99)},
        "max_ms": max(lags_ms),
    }


def _warm_up(plan: Plan, child: Child, contender: str) -> None:
    _send(plan, child, contender, rate=WARM_UP_RATE, seconds=plan.warm_up_leads / WARM_UP_RATE)


def _send(
    plan: Plan, child: Child, contender: str, *, rate: int, seconds: float
) -> tuple[Sequence[Any], float, Mapping[int, float]]:
    """Return the leads as sent, how long sending took in seconds, and when each lead was started."""
    delays = {"shortest_delay": plan.shortest_delay, "longest_delay": plan.longest_delay}
    answer = child.ask("send", contender=contender, rate=rate, seconds=seconds, **delays)
    ids = [lead_id for lead_id, _, _ in answer["sent"]]
    return answer["sent"], answer["seconds"], _wait_until_started(plan, child, ids)


def _wait_until_started(plan: Plan, child: Child, ids: Sequence[int]) -> Mapping[int, float]:
    started: dict[int, float] = {}

    def count_left() -> int:
        started.update((int(lead_id), at) for lead_id, at in child.ask("read_started", ids=ids)["started"])
        return len(ids) - len(started)

    wait_until_none(count_left, seconds=LONGEST_WAIT_SECONDS + plan.longest_delay, every=POLL_SECONDS)
    return started
