"""Requests to a receiver in a process of its own: the outbound client and a plain httpx loop, in turns."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

import httpx

from distribution.deliveries.outbound import OutboundClient, OutboundRequest, Policy
from tests.bench.numbers import Spread, ratios
from tests.bench.plan import Plan
from tests.receivers import Receiver, start_receiver

Progress = Callable[[str], None]

PRODUCT: Final = "product"
HTTPX: Final = "httpx"
LOOPBACK: Final = Policy((ip_network("127.0.0.0/8"),))
HEADERS: Final = (("Content-Type", "application/json"), ("User-Agent", "LeadSwitch"))
BODY: Final = b'{"lead": "%s"}' % (b"x" * 1_000)


class NotAnswered(RuntimeError):
    """A request was not accepted, so the rates mean nothing."""


def count_steps(plan: Plan) -> int:
    """How often `measure_outbound` reports progress."""
    return 2 * plan.rounds


def measure_outbound(plan: Plan, *, directory: Path, progress: Progress) -> Mapping[str, Any]:
    """One thread, one open connection. In each round the other one begins. Raises NotAnswered."""
    rates: dict[str, list[float]] = {PRODUCT: [], HTTPX: []}
    # httpx writes a log line for each request, with its whole URL. The product does not.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    file = directory / "received.jsonl"
    file.unlink(missing_ok=True)
    with ExitStack() as stack:
        receiver = stack.enter_context(start_receiver(file))
        product = stack.enter_context(closing(OutboundClient(LOOPBACK)))
        plain = stack.enter_context(httpx.Client())
        senders = {PRODUCT: partial(_send, product), HTTPX: partial(_send_plain, plain)}
        for send in senders.values():
            _measure(send, receiver, count=plan.warm_up)
        for number in range(plan.rounds):
            for name in (PRODUCT, HTTPX) if number % 2 == 0 else (HTTPX, PRODUCT):
                progress(f"round {number + 1}: {name}")
                rates[name].append(_measure(senders[name], receiver, count=plan.deliveries))
    values = ratios(rates[PRODUCT], rates[HTTPX])
    return {
        "requests": plan.deliveries,
        "clients": {name: {**Spread.of(each).as_json(), "rounds": each} for name, each in rates.items()},
        "product_against_httpx": {**Spread.of(values).as_json(), "rounds": values},
    }


def _measure(send: Callable[[str], int | None], receiver: Receiver, *, count: int) -> float:
    """Return the requests per second."""
    url = receiver.url("accept")
    started = time.perf_counter()
    for _ in range(count):
        status = send(url)
        if status != httpx.codes.OK:
            message = f"a request was answered with {status}"
            raise NotAnswered(message)
    return count / (time.perf_counter() - started)


def _send(client: OutboundClient, url: str) -> int | None:
    return client.send(OutboundRequest(url, headers=HEADERS, body=BODY)).status


def _send_plain(client: httpx.Client, url: str) -> int | None:
    return client.post(url, content=BODY, headers=HEADERS).status_code
