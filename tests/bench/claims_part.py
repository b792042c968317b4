"""Claims over HTTP beside listeners of one process of streams, the memory of a listener, and claims by hand."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from tests.bench.children import Child, start_children
from tests.bench.dispatch.processes import read_resident_bytes
from tests.bench.intake_part import send_all
from tests.bench.numbers import Spread, percentile, ratios
from tests.bench.plan import BY_HAND, PRODUCT, Plan
from tests.bench.servers import WEB_WORKERS, serve_product, serve_streams
from tests.bench.wakes import forget_wakes

Progress = Callable[[str], None]

BUYERS: Final = 42  # no other part has a pool of this size; half of them are shown the offers
STREAMS_OF_A_KEY: Final = 10
LOOPS: Final = (PRODUCT, BY_HAND)
CONNECTIONS: Final = 4
# Openings whose way to the listeners is timed. Faster ones would wait for each other.
PER_SECOND: Final = 20.0
LIMITS: Final = {
    "LEADSWITCH_BUYER_REQUESTS_PER_MINUTE": "1000000",
    "LEADSWITCH_BUYER_REQUEST_BURST": "100000",
}


def count_claim_steps(plan: Plan) -> int:
    return plan.rounds * len(LOOPS) + len(plan.listeners) + 2


def measure_claims(
    plan: Plan, child: Child, *, database_url: str, directory: Path, progress: Progress
) -> Mapping[str, Any]:
    """`child`: a worker of offers."""
    keys = child.ask("build_offering", size=BUYERS, keys=-(-plan.listeners[-1] // STREAMS_OF_A_KEY))["keys"]
    return {
        "claim_loops": _compare_loops(plan, child, progress=progress),
        **_measure_http(plan, child, keys, database_url=database_url, directory=directory, progress=progress),
    }


def _compare_loops(plan: Plan, child: Child, *, progress: Progress) -> Mapping[str, Any]:
    """In one process, without HTTP, in turns."""
    rates: dict[str, list[float]] = {name: [] for name in LOOPS}
    for name in LOOPS:
        child.ask("time_claims", loop=name, count=plan.warm_up)
    for number in range(plan.rounds):
        for name in LOOPS if number % 2 else reversed(LOOPS):
            progress(f"claims, round {number + 1}: {name}")
            rates[name].append(
                plan.claims / child.ask("time_claims", loop=name, count=plan.claims)["seconds"]
            )
    against = ratios(rates[PRODUCT], rates[BY_HAND])
    return {
        "claims_per_second": {name: Spread.of(each).as_json() for name, each in rates.items()},
        "product_against_by_hand": Spread.of(against).as_json(),
        "statements": child.ask("list_claim_statements")["statements"],
    }


def _measure_http(
    plan: Plan,
    child: Child,
    keys: Sequence[str],
    *,
    database_url: str,
    directory: Path,
    progress: Progress,
) -> Mapping[str, Any]:
    log, module = directory / "listeners.log", "tests.bench.listeners"
    given: dict[str, Any] = {"directory": directory, **LIMITS}
    with ExitStack() as stack:
        stack.enter_context(forget_wakes())
        progress("starting a web server and the streams")
        web_port = stack.enter_context(serve_product(database_url, **given))
        port, process_id = stack.enter_context(serve_streams(database_url, **given))
        [listeners] = stack.enter_context(
            start_children(1, database_url=database_url, log=log, module=module)
        )
        memory: list[Mapping[str, int]] = []
        lags: Mapping[str, Any] = {}
        claims: Mapping[str, Any] = {}
        for count in plan.listeners:
            progress(f"{count} listeners")
            listeners.ask("listen", port=port, keys=keys, count=count)
            if count == plan.listeners[1]:
                lags, claims = _measure_beside(plan, child, listeners, web_port=web_port, keys=keys)
            memory.append({"listeners": count, "resident_bytes": read_resident_bytes(process_id)})
    return {"memory": _describe_memory(memory), "listening": lags, "claims": claims}


def _measure_beside(
    plan: Plan, child: Child, listeners: Child, *, web_port: int, keys: Sequence[str]
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """While all of them listen: how late they hear of openings, and then claims of all that opened."""
    child.ask("open_offers", count=plan.warm_up, per_second=PER_SECOND)
    paced = child.ask("open_offers", count=plan.openings, per_second=PER_SECOND)["offers"]
    lags_ms = _find_lags(listeners, paced)
    rest = child.ask("open_offers", count=plan.claim_requests - plan.openings)["offers"]
    _find_lags(listeners, rest)
    return _describe_lags(plan, lags_ms), _send_claims([*paced, *rest], web_port=web_port, keys=keys)


def _find_lags(listeners: Child, offers: Sequence[Mapping[str, Any]]) -> list[float]:
    """The ms from the commit of each opening until each listener had it."""
    heard = listeners.ask("hear", offers=[each["id"] for each in offers])["heard"]
    return [1000 * (at - each["committed"]) for each in offers for at in heard[each["id"]]]


def _describe_lags(plan: Plan, lags_ms: Sequence[float]) -> Mapping[str, Any]:
    return {
        "listeners": plan.listeners[1],
        "openings": plan.openings,
        "per_second": PER_SECOND,
        **{f"p{each}_ms": percentile(lags_ms, each) for each in (50, 95, 99)},
    }


def _send_claims(
    offers: Sequence[Mapping[str, Any]], *, web_port: int, keys: Sequence[str]
) -> Mapping[str, Any]:
    """Each offer is claimed once, by the buyers in turns."""
    targets = [
        (f"/api/v1/buyer/offers/{each['id']}/claim/", keys[place % len(keys)])
        for place, each in enumerate(offers)
    ]
    job = {"port": web_port, "path": "", "headers": {}, "targets": targets}
    answer = send_all(job, body="{}", requests=len(targets), connections=CONNECTIONS)
    return {
        "web_workers": WEB_WORKERS,
        "connections": CONNECTIONS,
        "claims": len(targets),
        "claims_per_second": len(targets) / answer["seconds"],
        **{f"p{each}_ms": percentile(answer["latencies_ms"], each) for each in (50, 95, 99)},
    }


def _describe_memory(sizes: Sequence[Mapping[str, int]]) -> Mapping[str, Any]:
    """A listener's share is what the last ones added: the first ones also load code."""
    before, after = sizes[-2:]
    added = after["resident_bytes"] - before["resident_bytes"]
    return {"sizes": sizes, "bytes_a_listener": added / (after["listeners"] - before["listeners"])}
