"""One dialer: lines that are kept busy, the time from a free line to the next dial, and what a long queue costs."""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import psutil

from tests.bench.children import Child, child_environment, start_children
from tests.bench.numbers import percentile
from tests.bench.plan import Plan
from tests.bench.servers import HOST, run_dialer, serve_product_at
from tests.carrier import Carrier, start_carrier
from tests.support.ports import free_port
from tests.support.waiting import wait_until

Progress = Callable[[str], None]

# As fast as an account may. Lines are filled over the time of a call, so that they do not end together.
CALLS_PER_SECOND: Final = 200
# More than are called.
SPARE: Final = 200
# What a change has woken is over by then.
SETTLED_SECONDS: Final = 2.0


def count_steps(plan: Plan) -> int:  # noqa: ARG001 - every part has one
    """How often `measure_calls` reports progress."""
    return 5


def measure_calls(plan: Plan, *, database_url: str, directory: Path, progress: Progress) -> Mapping[str, Any]:
    """Needs a migrated database."""
    port = free_port()
    base_url = f"http://{HOST}:{port}"
    environment = {
        **child_environment(database_url, role="worker"),
        "LEADSWITCH_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
        "LEADSWITCH_BASE_URL": base_url,
    }
    log = directory / "calls-worker.log"
    with (
        start_carrier() as carrier,
        serve_product_at(port, database_url, directory=directory, LEADSWITCH_BASE_URL=base_url),
        start_children(1, database_url=database_url, log=log, module="tests.bench.calls_worker") as [child],
    ):
        build(plan, child, carrier)
        progress("a call begins")
        begins = child.ask("time_begins", size=plan.begins)
        child.ask("clear", lines=plan.call_lines)
        with run_dialer(environment, directory=directory) as process_id:
            child.ask("wait_for_dialer")
            progress("nobody waits")
            without = _measure_idle(process_id, seconds=plan.idle_seconds)
            used = _read_cpu(process_id)
            busy = _measure_busy(plan, child, carrier, progress=progress)
            cpu_ms = 1000 * (_read_cpu(process_id) - used) / count_dials(carrier)
            progress(f"{plan.waiting} wait for a line")
            _let_wait(plan, child, carrier)
            with_queue = _measure_idle(process_id, seconds=plan.idle_seconds)
    idle = {"waiting": plan.waiting, "without_percent": without, "with_queue_percent": with_queue}
    return {"begins": begins, "busy": {**busy, "cpu_ms": cpu_ms}, "idle": idle}


def build(plan: Plan, child: Child, carrier: Carrier) -> None:
    """Nobody answers: each call rings as long as the campaign says, at the carrier's own speed."""
    ring_ms = 1_000 * plan.ring_seconds / max(10, plan.ring_seconds)
    carrier.configure(mix={"no-answer": 1}, second_ms=ring_ms, setup_ms=5)
    account = {
        "api_url": carrier.api_url,
        "account_sid": carrier.account_sid,
        "auth_token": carrier.auth_token,
    }
    child.ask("build", account=account, lines=plan.call_lines, ring_seconds=plan.ring_seconds)


def _measure_busy(plan: Plan, child: Child, carrier: Carrier, *, progress: Progress) -> Mapping[str, Any]:
    progress(f"{plan.call_lines} lines are filled")
    turns = 2 + plan.busy_seconds / plan.ring_seconds
    child.ask("set_pace", calls_per_second=max(1, plan.call_lines // plan.ring_seconds))
    child.ask("queue", size=round(turns * plan.call_lines) + SPARE)
    child.ask("wait_for_calls", count=plan.call_lines)
    child.ask("set_pace", calls_per_second=CALLS_PER_SECOND)
    time.sleep(plan.ring_seconds)
    progress(f"{plan.call_lines} lines are kept busy")
    since = time.time()
    time.sleep(plan.busy_seconds)
    until = time.time()
    record = carrier.record()
    ends = child.ask("read_ends", since=since)["ends"]
    gaps = find_gaps(ends, list_dials(record["requests"], since=since), until=until)
    return {
        "lines": plan.call_lines,
        "ring_seconds": plan.ring_seconds,
        "seconds": plan.busy_seconds,
        "dials": len(gaps),
        "gaps": {f"p{each}_ms": percentile(gaps, each) for each in (50, 95)},
        "busy_percent": 100 * sum_live(record["calls"], since, until) / (until - since) / plan.call_lines,
        "most_live": sum(record["most_live"].values()),
    }


def count_dials(carrier: Carrier) -> int:
    return sum(request["method"] == "POST" for request in carrier.record()["requests"])


def list_dials(requests: Sequence[Mapping[str, Any]], *, since: float) -> Iterator[tuple[str, float]]:
    """The number that called, and when the carrier got the request."""
    for request in requests:
        if request["method"] == "POST" and request["at"] >= since:
            yield dict(request["form"])["From"], request["at"]


def find_gaps(
    ends: Sequence[tuple[str, float]], dials: Iterator[tuple[str, float]], *, until: float
) -> list[float]:
    """Ms from each line that became free to the dial that took it, by number: the first to be free is taken first.

    A dial before the first end took a line that was free before.
    """
    free: defaultdict[str, deque[float]] = defaultdict(deque)
    events = [(at, 0, number) for number, at in ends if at < until]
    events += [(at, 1, number) for number, at in dials if at < until]
    gaps = []
    for at, is_dial, number in sorted(events):
        if not is_dial:
            free[number].append(at)
        elif free[number]:
            gaps.append((at - free[number].popleft()) * 1000)
    return gaps


def sum_live(calls: Sequence[Mapping[str, Any]], since: float, until: float) -> float:
    """Seconds of all calls together within this time, as the carrier counts them."""
    lived = (min(call["ended_at"] or until, until) - max(call["created_at"], since) for call in calls)
    return float(sum(max(0.0, each) for each in lived))


def _let_wait(plan: Plan, child: Child, carrier: Carrier) -> None:
    """The work before it is over: no call is live at the carrier, and what it reported is applied."""
    child.ask("clear", lines=plan.call_lines)
    child.ask("occupy")
    child.ask("queue", size=plan.waiting)
    wait_until(
        lambda: all(call["ended_at"] for call in carrier.record()["calls"]), what="the end of all calls"
    )
    child.ask("wait_for_reports")


def _measure_idle(process_id: int, *, seconds: float) -> float:
    """The CPU of the whole process while it has nothing that it could do. Percent of one core."""
    time.sleep(SETTLED_SECONDS)
    before = _read_cpu(process_id)
    time.sleep(seconds)
    return 100 * (_read_cpu(process_id) - before) / seconds


def _read_cpu(process_id: int) -> float:
    used = psutil.Process(process_id).cpu_times()
    return float(used.user + used.system)
