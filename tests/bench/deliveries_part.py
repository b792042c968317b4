"""One deliverer: its speed beside a plain httpx loop, what a direct post adds, and an endpoint that hangs."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from tests.bench.children import Child, child_environment, start_children
from tests.bench.numbers import Spread, percentile, ratios
from tests.bench.outbound_part import BODY, HEADERS, NotAnswered
from tests.bench.plan import Plan
from tests.bench.servers import run_deliverer
from tests.receivers import Receiver, start_receiver

Progress = Callable[[str], None]

ALONE: Final = "alone"
BESIDE: Final = "beside an endpoint that hangs"
# What a buyer's system takes for its answer, in ms.
OWN: Final = "delay/50"
OTHERS: Final = "delay/20"
OTHER_ENDPOINTS: Final = 4
PER_SECOND: Final = 20.0
# More than the hanging endpoint may have in flight.
HANGING: Final = 20
HANGING_IN_FLIGHT: Final = 4


def count_steps(plan: Plan) -> int:
    """How often `measure_deliveries` reports progress."""
    return 4 * plan.rounds + 2


def measure_deliveries(
    plan: Plan, *, database_url: str, directory: Path, progress: Progress
) -> Mapping[str, Any]:
    """Needs a migrated database."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    file = directory / "delivered.jsonl"
    file.unlink(missing_ok=True)
    with start_receiver(file) as receiver, delivering(database_url, directory=directory) as child:
        return {
            "speed": _measure_speed(plan, child, receiver, progress=progress),
            "direct_post": _measure_direct_posts(plan, child, receiver, progress=progress),
            "hanging": _measure_hanging(plan, child, receiver, progress=progress),
        }


@contextmanager
def delivering(database_url: str, *, directory: Path) -> Iterator[Child]:
    """A deliverer, and the process that gives it messages."""
    environment = {
        **child_environment(database_url, role="worker"),
        "LEADSWITCH_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    log = directory / "deliveries-worker.log"
    with (
        run_deliverer(environment, directory=directory),
        start_children(1, database_url=database_url, log=log, module="tests.bench.deliveries_worker") as [
            child
        ],
    ):
        child.ask("wait_for_deliverer")
        yield child


def _measure_speed(plan: Plan, child: Child, receiver: Receiver, *, progress: Progress) -> Mapping[str, Any]:
    """In turns with a loop of one thread and one open connection, which stores nothing."""
    url = receiver.url("accept")
    endpoint_id = child.ask("add_endpoint", url=url)["id"]
    rates: dict[str, list[float]] = {"product": [], "httpx": []}
    with httpx.Client() as client:
        child.ask("time_messages", endpoint_id=endpoint_id, count=plan.warm_up)
        _time_requests(client, url, count=plan.warm_up)
        for number in range(plan.rounds):
            progress(f"round {number + 1}: deliverer")
            answer = child.ask("time_messages", endpoint_id=endpoint_id, count=plan.deliveries)
            rates["product"].append(answer["per_second"])
            progress(f"round {number + 1}: httpx")
            times = _time_requests(client, url, count=plan.deliveries)
            rates["httpx"].append(1000 * len(times) / sum(times))
    values = ratios(rates["product"], rates["httpx"])
    return {
        "messages": plan.deliveries,
        "senders": {name: {**Spread.of(each).as_json(), "rounds": each} for name, each in rates.items()},
        "product_against_httpx": {**Spread.of(values).as_json(), "rounds": values},
    }


def _time_requests(client: httpx.Client, url: str, *, count: int) -> list[float]:
    """Return the ms of each request, one after the other. Raises NotAnswered."""
    times = []
    for _ in range(count):
        started = time.perf_counter()
        status = client.post(url, content=BODY, headers=HEADERS).status_code
        times.append((time.perf_counter() - started) * 1000)
        if status != httpx.codes.OK:
            raise NotAnswered(f"a request was answered with {status}")
    return times


def _measure_direct_posts(
    plan: Plan, child: Child, receiver: Receiver, *, progress: Progress
) -> Mapping[str, Any]:
    """The buyer's own time is that of a plain request to the same receiver. Both in the same minute, one at a time."""
    url = receiver.url(OWN)
    progress("direct posts")
    child.ask("time_direct_posts", url=url, count=plan.warm_up)
    posts = child.ask("time_direct_posts", url=url, count=plan.posts)["times"]
    progress("the buyer's own time")
    with httpx.Client() as client:
        own = _time_requests(client, url, count=plan.posts)
    rows = {"direct post": posts, "the buyer alone": own}
    table = {
        name: {f"p{each}_ms": percentile(times, each) for each in (50, 95)} for name, times in rows.items()
    }
    added = {
        name: table["direct post"][name] - table["the buyer alone"][name] for name in ("p50_ms", "p95_ms")
    }
    return {"posts": plan.posts, "times": table, "added": added}


def _measure_hanging(
    plan: Plan, child: Child, receiver: Receiver, *, progress: Progress
) -> Mapping[str, Any]:
    """Four endpoints get messages at a steady pace. In every second turn a fifth one takes requests and hangs."""
    others = [child.ask("add_endpoint", url=receiver.url(OTHERS))["id"] for _ in range(OTHER_ENDPOINTS)]
    hanging = receiver.new_run()
    slow = child.ask("add_endpoint", url=hanging.url("hold"), max_in_flight=HANGING_IN_FLIGHT)["id"]
    times: dict[str, list[list[float]]] = {ALONE: [], BESIDE: []}
    for number in range(plan.rounds):
        progress(f"round {number + 1}: {ALONE}")
        times[ALONE].append(_time_others(plan, child, others))
        progress(f"round {number + 1}: {BESIDE}")
        with _hanging(child, slow, hanging, number=number):
            times[BESIDE].append(_time_others(plan, child, others))
    return {
        "messages": plan.paced,
        "per_second": PER_SECOND,
        "turns": {name: [_describe(each) for each in rounds] for name, rounds in times.items()},
        "medians": {name: _describe_rounds(rounds) for name, rounds in times.items()},
    }


@contextmanager
def _hanging(child: Child, endpoint_id: int, receiver: Receiver, *, number: int) -> Iterator[None]:
    """As many requests as the endpoint may have hang until the end of the block, and more wait behind them."""
    before = len(receiver.received())
    child.ask("add_messages", endpoint_id=endpoint_id, count=HANGING)
    receiver.wait_for(before + HANGING_IN_FLIGHT)
    try:
        yield
    finally:
        while len(receiver.received()) < (number + 1) * HANGING:
            receiver.release()
        receiver.release()
        child.ask("wait_until_ended", endpoint_id=endpoint_id)


def _time_others(plan: Plan, child: Child, endpoint_ids: Sequence[int]) -> list[float]:
    answer = child.ask("time_paced", endpoint_ids=endpoint_ids, count=plan.paced, per_second=PER_SECOND)
    return list(answer["times"])


def _describe(times: Sequence[float]) -> Mapping[str, float]:
    return {f"p{each}_ms": percentile(times, each) for each in (50, 95, 99)}


def _describe_rounds(rounds: Sequence[Sequence[float]]) -> Mapping[str, Any]:
    described = [_describe(each) for each in rounds]
    return {name: Spread.of([each[name] for each in described]).as_json() for name in described[0]}
